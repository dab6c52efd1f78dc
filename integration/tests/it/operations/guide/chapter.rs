//! A chapter of the guide, and an operator's terminal in which its commands are run.

use std::{collections::BTreeSet, fs, os::unix::fs::symlink, process::Stdio};

use integration::stack::{
    platform::Platform,
    record::{Record, Tokens},
    service::built_programs,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

const GUIDE: &str = include_str!("../../../../../docs/operations.md");
/// What the shell says when a block is done, before the commands of it that failed.
const DONE: &str = "--- done";

/// The headings of the chapters.
pub(super) fn headings() -> impl Iterator<Item = &'static str> {
    GUIDE.lines().filter_map(|line| line.strip_prefix("## "))
}

/// An open chapter. Blocks of commands are counted from 0; all of them have to be run by the end.
pub(super) struct Chapter {
    blocks: Vec<&'static str>,
    run: BTreeSet<usize>,
    _shell: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Chapter {
    /// Opens a terminal where `make run` runs this platform, and does what the guide says must come first.
    pub(super) async fn open(platform: &Platform, heading: &'static str) -> Self {
        let data = platform.backing.directory.path();
        Record::of(platform, Tokens::issue(&platform.backing.issuer).unwrap()).write(data).unwrap();
        let checkout = data.join("checkout");
        fs::create_dir_all(checkout.join("target")).unwrap();
        symlink(data, checkout.join(".dev")).unwrap();
        symlink(built_programs().unwrap(), checkout.join("target/debug")).unwrap();
        let mut shell = Command::new("bash")
            .current_dir(checkout)
            .env("USER", "olivia")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, output) = (shell.stdin.take().unwrap(), BufReader::new(shell.stdout.take().unwrap()).lines());
        let (head, rest) = GUIDE.split_once("\n## ").unwrap();
        let chapter = rest.split("\n## ").find(|chapter| chapter.starts_with(heading)).unwrap();
        let mut opened = Self { blocks: blocks(chapter), run: BTreeSet::new(), _shell: shell, input, output };
        opened.type_in("set -o pipefail; exec 2>&1; trap 'FAILED+=\"; $BASH_COMMAND\"' ERR\n").await;
        for block in blocks(head) {
            opened.carry_out(block).await;
        }
        opened
    }

    /// Runs a block as it stands there, and gives what it says.
    pub(super) async fn run(&mut self, block: usize) -> String {
        self.run.insert(block);
        self.carry_out(self.blocks[block]).await
    }

    /// Closes the chapter, of which nothing may be left out.
    pub(super) fn close(self) {
        assert_eq!(self.run, (0..self.blocks.len()).collect(), "blocks of the chapter that were run");
    }

    async fn carry_out(&mut self, block: &str) -> String {
        self.type_in(&format!("FAILED=\n{block}echo; echo \"{DONE}$FAILED\"\n")).await;
        let mut said = String::new();
        loop {
            let line = self.output.next_line().await.unwrap().expect("the shell goes on");
            if let Some(failed) = line.strip_prefix(DONE) {
                assert_eq!(failed, "", "failed in\n{block}which said\n{said}");
                return said;
            }
            said.push_str(&line);
            said.push('\n');
        }
    }

    async fn type_in(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).await.unwrap();
    }
}

fn blocks(text: &'static str) -> Vec<&'static str> {
    text.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect()
}
