//! Runs the code generator alone, until the task `codegen` does.

#[path = "../src"]
mod tasks {
    pub mod codegen;
}

fn main() -> anyhow::Result<()> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace");
    tasks::codegen::run(root, std::env::args().any(|arg| arg == "--check"))
}
