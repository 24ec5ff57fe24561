'use strict'
// Filled reports to start from: one of each kind, and one of each way a handoff ends.

const IMPLEMENTATION = `# Final Report: shop/checkout/fix-42

- Task: shop/checkout/fix-42
- Task type: implementation
- Written by: report-writer
- Date: 2026-11-25

## 1. Summary

The total of a cart with a voucher is right again.

## 2. Request and Scope

Fix the total. Left out on purpose: the layout of the page.

## 3. Roster and Dispatches

| role | task | result file |
|---|---|---|
| implementer | fix the total | implementer.md |
| report-writer | writes this report | report-writer.md |

## 4. Results

### 4.1 Outcome

Vouchers are subtracted once.

#### How it was seen

By the test, before and after.

### 4.2 Findings

- The voucher was applied twice (implementer.md).

### 4.3 Decisions

None.

### 4.4 Changes

- \`src/cart.js\`

### 4.5 Open Points and Next Phase

None: the task can be handed over.

## 5. Verification

\`\`\`sh
# 1. Summary of the run
npm test
\`\`\`

All 31 tests pass.

## 6. Sources

- worker-results/implementer.md
`

const HANDOFF = `# Final Report: shop/checkout/fix-42

- Task: shop/checkout/fix-42
- Task type: release-handoff
- Written by: lead
- Date: 2026-11-25

## 1. Summary

The branch is pushed and its pull request is open.

## 2. Request and Scope

Hand over fix-fix-42.

## 3. Roster and Dispatches

None: the lead ran this handoff and wrote this report.

## 4. Results

### 4.1 Outcome

Pull request 7 is open.

### 4.2 Findings

None.

### 4.3 Decisions

None.

### 4.4 Changes

None.

### 4.5 Open Points and Next Phase

None.

### 4.6 Release Handoff Deliverables

#### 4.6.1 Source Verification Report

reports/final-verification.md: passed.

#### 4.6.2 Feature Branch & Working-Tree State

fix-fix-42 at 3b2c4066a4a0, based on main; \`git status --porcelain\` is empty.

#### 4.6.3 User Selections

- H1: push and open a pull request - "2, please"
- H2: main - "main"
- H3: proceed - "yes, go"

#### 4.6.4 Executed Commands

- \`git push -u origin fix-fix-42\`: exit 0
- \`gh pr create --base main --fill\`: exit 0

#### 4.6.5 Commit List

- 3b2c4066a4a0 Subtract a voucher once

#### 4.6.6 Pull Request Outcome

Number 7, open, against main.

#### 4.6.7 Routing Recommendation

Review by a second person.

## 5. Verification

\`gh pr view 7\` says open.

## 6. Sources

The command log of this run.
`

/** The handoff report with other answers, and 4.6.4 to 4.6.6 as they then are. */
function ended(choices, why) {
  const answers = ['H1', 'H2', 'H3'].map((menu, i) => `- ${menu}: ${choices[i]}`).join('\n')
  const none = `None: ${why}.`
  return HANDOFF.replace(/- H1:.*\n- H2:.*\n- H3:.*/, () => answers)
    .replace(/- `git push[^]*?(?=\n\n####)/, none)
    .replace(/- 3b2c4066a4a0 .*/, none)
    .replace('Number 7, open, against main.', none)
    .replace('is pushed and its pull request is open', 'stays as it is')
}

const SKIPPED = ended(['skip - "not today"', 'not asked', 'not asked'], 'the user chose skip at H1')
const CANCELLED = ended(['commit and push - "1"', 'main - "main"', 'cancel - "no, stop"'], 'the user chose cancel at H3')

module.exports = { IMPLEMENTATION, HANDOFF, SKIPPED, CANCELLED }
