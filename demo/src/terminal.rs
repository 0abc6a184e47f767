//! The demo's output: in colour on a terminal, as plain text elsewhere.

use std::{
    cell::Cell,
    env,
    io::{self, IsTerminal},
};

/// Standard output.
pub struct Terminal {
    coloured: bool,
    steps: Cell<u32>,
}

impl Terminal {
    pub fn stdout() -> Self {
        Self {
            coloured: io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none(),
            steps: Cell::new(0),
        }
    }

    pub fn title(&self, text: &str) {
        println!("\n{}", self.bold(text));
    }

    /// Begins the next step and says what it is about.
    pub fn step(&self, heading: &str, about: &[&str]) {
        print!("{}", self.next_step(heading, about));
    }

    /// Prints a line of explanation.
    pub fn say(&self, text: &str) {
        println!("   {text}");
    }

    fn next_step(&self, heading: &str, about: &[&str]) -> String {
        self.steps.set(self.steps.get() + 1);
        let mut text = format!(
            "\n{}\n",
            self.bold(&format!("{}. {heading}", self.steps.get()))
        );
        for line in about {
            text.push_str(&format!("   {line}\n"));
        }
        text
    }

    /// Shows a command without running it.
    pub fn command(&self, text: &str) {
        println!("{}", self.prompt(text));
    }

    /// Returns a script that prints each command as if it were typed, and runs it.
    pub fn typed(&self, commands: &[impl AsRef<str>]) -> String {
        let line = |command: &str| {
            format!(
                "printf '%s\\n' {}\n{command}\n",
                quote(&self.prompt(command))
            )
        };
        commands
            .iter()
            .map(|command| line(command.as_ref()))
            .collect()
    }

    fn prompt(&self, command: &str) -> String {
        self.styled("36", &format!("$ {command}"))
    }

    fn bold(&self, text: &str) -> String {
        self.styled("1", text)
    }

    fn styled(&self, style: &str, text: &str) -> String {
        if self.coloured {
            format!("\u{1b}[{style}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
