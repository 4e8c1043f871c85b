//! Embeds the built files of the page into the binary. `scripts/build-page` builds them from web/; this build needs no
//! Node.

use std::path::Path;
use std::{env, fs, io};

const FILES: &str = "page";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FILES}");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    let files = fs::canonicalize(FILES)?;
    // Embedded in debug builds too: otherwise the binary would look for the page on the disk of the build machine.
    // `load_directory_with_embed` does the same, but prints a warning for every file.
    let assets = memory_serve::assets_to_code(FILES, &files, Path::new(&out), true, |_| ());
    fs::write(Path::new(&out).join("memory_serve_assets.rs"), format!("&[(\"default\", {assets})]"))
}
