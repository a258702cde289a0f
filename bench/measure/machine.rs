//! What the figures were taken on, and whether it was quiet.

use serde_json::{Value, json};

/// Above so much load a core, by others, figures are noise.
const QUIET: f64 = 0.3;

/// The machine at one moment.
#[derive(Debug, Clone)]
pub struct Machine {
    cores: usize,
    load: Option<f64>,
}

impl Machine {
    /// Looks now.
    pub fn look() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let load = std::fs::read_to_string("/proc/loadavg").ok();
        let load = load.and_then(|text| text.split_whitespace().next()?.parse().ok());
        Self { cores, load }
    }

    /// Whether nothing else was running to speak of. Look before the bench: it is itself a load.
    pub fn is_quiet(&self) -> bool {
        self.load.is_none_or(|load| load <= QUIET * self.cores as f64)
    }

    /// For the settings of a figure.
    pub fn to_json(&self) -> Value {
        json!({ "cores": self.cores, "load_before": self.load })
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} cores", self.cores)?;
        self.load.map_or(Ok(()), |load| write!(f, ", load {load} before the bench"))
    }
}
