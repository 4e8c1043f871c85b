//! Puts the built files of the page into the binary. `scripts/build-page` makes them from web/; this build needs no Node.

use std::path::Path;
use std::{env, fs, io};

const FILES: &str = "page";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FILES}");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    let files = fs::canonicalize(FILES)?;
    // In debug builds too: a binary that looks for its page on the disk of the machine that built it has none elsewhere.
    // `load_directory_with_embed` does the same, but tells of every file as a warning.
    let assets = memory_serve::assets_to_code(FILES, &files, Path::new(&out), true, |_| ());
    fs::write(Path::new(&out).join("memory_serve_assets.rs"), format!("&[(\"default\", {assets})]"))
}
