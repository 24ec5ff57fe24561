//! The physical limit of filling trees: the files of one directory, held in memory, made in other ones by as many threads
//! as okstra uses. Prints the milliseconds that took. For `npm run bench`.
//!
//! `rustc -O --edition 2024 examples/limit.rs && ./limit <threads> <from> <to>...`

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(threads), Some(from)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: limit <threads> <from> <to>..."));
    };
    let targets: Vec<_> = arguments.collect();
    let threads: usize = threads.to_str().and_then(|text| text.parse().ok()).unwrap_or(1);
    let (mut directories, mut files) = (Vec::new(), Vec::new());
    collect(&from, Path::new(""), &mut directories, &mut files)?;
    let start = Instant::now();
    for to in &targets {
        fs::create_dir_all(to)?;
        for directory in &directories {
            fs::create_dir(to.join(directory))?;
        }
    }
    let all = targets.iter().flat_map(|to| files.chunks(128).map(move |portion| (to, portion)));
    let portions = Mutex::new(all);
    let work = || -> io::Result<()> {
        loop {
            let Some((to, portion)) = portions.lock().ok().and_then(|mut portions| portions.next()) else {
                return Ok(());
            };
            for (path, content) in portion {
                File::create_new(to.join(path))?.write_all(content)?;
            }
        }
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        helpers.into_iter().try_for_each(|helper| helper.join().unwrap_or(Ok(()))).and(own)
    })?;
    let taken = start.elapsed().as_secs_f64() * 1000.0;
    writeln!(io::stdout(), "{taken:.1}")
}

fn collect(
    root: &Path,
    below: &Path,
    directories: &mut Vec<PathBuf>,
    files: &mut Vec<(PathBuf, Vec<u8>)>,
) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if entry.file_name() != ".git" {
                directories.push(path.clone());
                collect(root, &path, directories, files)?;
            }
        } else {
            files.push((path, fs::read(entry.path())?));
        }
    }
    Ok(())
}
