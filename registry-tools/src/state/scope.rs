//! Levels and modes: a subject's own, its context's, the global one.

use super::{State, absorb::covers};
use crate::{Level, Mode, settings::Config, subject};

impl State {
    /// The settings of a subject or context itself, or the global ones.
    pub(crate) fn config(&self, of: Option<&str>) -> Option<Config> {
        let stored = self.configs.get(&of.map(str::to_owned)).cloned();
        if of.is_some_and(|of| of != subject::GLOBAL) {
            return stored.map(with_default);
        }
        Some(with_default(stored.unwrap_or_default()))
    }

    /// The settings that hold for a subject or context, or globally.
    pub(crate) fn config_in_scope(&self, of: Option<&str>) -> Config {
        let own = of.and_then(|of| self.configs.get(&Some(of.to_owned())));
        if let Some(own) = own {
            return with_default(own.clone()).over(self.configs.get(&None));
        }
        let context = of.and_then(subject::context_key);
        let stored = self.configs.get(&context).or_else(|| self.configs.get(&Some(subject::GLOBAL.to_owned())));
        with_default(stored.cloned().unwrap_or_default())
    }

    /// The level of a subject itself, or the global one.
    pub(crate) fn level(&self, of: Option<&str>) -> Option<Level> {
        self.config(of)?.level()
    }

    /// The mode of a subject or context itself, or the global one.
    pub(crate) fn mode(&self, of: Option<&str>) -> Option<Mode> {
        let stored = self.modes.get(&of.map(str::to_owned)).copied();
        if of.is_some_and(|of| of != subject::GLOBAL) { stored } else { stored.or(Some(Mode::ReadWrite)) }
    }

    /// The mode that holds for a subject or context, or globally.
    pub(crate) fn mode_in_scope(&self, of: Option<&str>) -> Mode {
        let of = of.map(str::to_owned);
        let context = of.as_deref().and_then(subject::context_key);
        let all = [of, context, Some(subject::GLOBAL.to_owned())];
        all.iter().find_map(|of| self.modes.get(of)).copied().unwrap_or(Mode::ReadWrite)
    }

    /// The subjects below a context (`None`: the default one) that have a mode of their own.
    pub(super) fn modes_below(&self, of: Option<&str>) -> Vec<String> {
        let below = |name: &&String| !subject::is_context(name) && covers(of, name);
        self.modes.keys().flatten().filter(below).cloned().collect()
    }
}

/// What a server starts with.
fn with_default(config: Config) -> Config {
    if config.level().is_some() { config } else { config.with_level(Level::Backward) }
}
