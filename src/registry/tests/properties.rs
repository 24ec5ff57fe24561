//! Properties over arbitrary content.

use proptest::prelude::*;

use super::*;

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("NaN".to_owned()),
        Just("-Infinity".to_owned()),
        Just("1e400".to_owned()),
        Just("123456789012345678901234567890".to_owned()),
        Just(r#""\ud800x\udce9""#.to_owned()),
        any::<String>().prop_map(|text| String::from_utf8(text::encode(text.as_bytes())).unwrap()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|members| {
                let members = members.iter().map(|(key, value)| {
                    format!("{} :{value}", String::from_utf8(text::encode(key.as_bytes())).unwrap())
                });
                format!("{{{}}}", members.collect::<Vec<_>>().join(",\n"))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn foreign_rows_survive_a_change(rows in prop::collection::vec(json(), 0..6), rest in json()) {
        let members: Vec<String> = rows.iter().enumerate().map(|(n, row)| format!("\"k{n}\":{row}")).collect();
        let source = format!("{{\"rest\":{rest},\"tasks\":{{{}}}}}", members.join(","));
        let mut document = Document::parse(source.into_bytes()).unwrap();
        document.set_row(b"new", b"{}".to_vec());
        let document = Document::parse(document.emit()).unwrap();
        for (number, row) in rows.iter().enumerate() {
            prop_assert_eq!(document.row(format!("k{number}").as_bytes()).unwrap(), row.as_bytes());
        }
        let kept = format!("\"rest\": {rest}");
        prop_assert!(String::from_utf8(document.emit()).unwrap().contains(&kept));
        prop_assert_eq!(Document::parse(document.emit()).unwrap().emit(), document.emit());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(source in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(Document::parse(source.clone()));
        Document::salvage(source).emit();
    }

    #[test]
    fn no_damage_makes_the_reader_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut source = FOREIGN.as_bytes().to_vec();
        for (index, byte) in flips {
            let at = index.index(source.len());
            source[at] = byte;
        }
        let salvaged = Document::salvage(source.clone());
        for (key, row) in salvaged.rows() {
            drop(Entry::decode_at(key, row));
        }
        if let Ok(mut document) = Document::parse(source) {
            document.set_row(b"a/b/c", b"{}".to_vec());
            document.set_owner(b"x", Some(b"a/b/c"));
            document.set_repository(b"a/b/c", Some(Path::new("/r")));
            prop_assert!(Document::parse(document.emit()).is_ok());
        }
    }
}
