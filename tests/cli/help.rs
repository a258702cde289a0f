//! The help of every command, as snapshots.

use coursebus_tests::{Cli, matrix};

/// All commands, found in the help itself.
fn commands(cli: &Cli) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let mut next = 0;
    while let Some(command) = found.get(next).cloned() {
        next += 1;
        let help = help(cli, &command);
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        // A description that is too long goes on in lines that are indented further.
        let names = listed.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
        let subcommands = names.map(|line| line.split(' ').next().unwrap().to_owned());
        found.extend(subcommands.map(|name| command.iter().cloned().chain([name]).collect::<Vec<_>>()));
    }
    found
}

fn help(cli: &Cli, command: &[String]) -> String {
    let output = cli.run(command.iter().map(String::as_str).chain(["--help"])).ok();
    assert_eq!(output.stderr(), "");
    output.stdout().to_owned()
}

#[test]
fn every_command_tells_what_it_does_with_an_example() {
    matrix("cli", "none", "none");
    let cli = Cli::new().env("COLUMNS", "100");
    let commands = commands(&cli);
    assert!(commands.len() > 25, "{commands:?}");
    for command in commands {
        let text = help(&cli, &command);
        let is_group = text.contains("\nCommands:\n");
        assert!(text.contains("\nExample") || is_group, "{command:?} has no example");
        let common = text.split_once("\nOptions of every command:\n").unwrap_or_else(|| panic!("{command:?}"));
        // They are the same everywhere: shown once.
        let shown = if command.is_empty() { text.clone() } else { own_part(common) };
        let name = if command.is_empty() { "coursebus".to_owned() } else { command.join("-") };
        insta::with_settings!({ snapshot_suffix => name, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!("help", shown);
        });
    }
}

/// A command's help without the options of every command.
fn own_part((before, common): (&str, &str)) -> String {
    let example = common.find("\nExample").map_or("", |at| &common[at..]);
    format!("{before}{example}")
}

#[test]
fn no_help_shows_what_may_be_secret() {
    matrix("cli", "none", "none");
    let cli = Cli::new()
        .env("COURSEBUS_DB", "postgres://u:hidden1@db/x")
        .env("COURSEBUS_REGISTRY", "http://u:hidden2@registry");
    for command in commands(&cli) {
        let text = help(&cli, &command);
        assert!(text.contains("COURSEBUS_DB") && !text.contains("hidden"), "{command:?}");
    }
}

#[test]
fn a_version_and_a_wrong_command() {
    matrix("cli", "none", "none");
    let cli = Cli::new();
    assert!(cli.run(["--version"]).ok().stdout().starts_with("coursebus "));
    assert!(cli.run(["evnt"]).code(2).stderr().contains("'event'"), "a similar command is named");
    cli.run::<&str>([]).code(2);
}
