//! The embedded default: the whole platform on one machine without any setup.
//!
//! PostgreSQL and Redis run as private child processes, the object store in this process, and the three services as
//! their own binaries, all in one data directory. [`supervisor`] owns the child processes and restarts them when they
//! die; [`stores`] starts the stores, [`platform`] the services; [`up`] and [`demo`] are the commands. The test kit
//! uses the same [`stores`] for the test suite.
//!
//! A killed `local` leaves its children running; their pid files let the next one end them ([`leftovers`]) before it
//! starts on the same data. Errors are `anyhow`, since the only reader is the person at the terminal.

pub mod console;
pub mod data_dir;
#[cfg(feature = "records")]
pub mod demo;
pub mod env_file;
#[cfg(feature = "records")]
pub mod generate;
pub mod leftovers;
mod log_rotation;
pub mod object_store;
pub mod os_process;
pub mod platform;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod redis;
mod run_as;
#[cfg(feature = "records")]
pub mod seed;
mod service_binaries;
pub mod settings;
pub mod signals;
pub mod stores;
pub mod supervisor;
pub mod token;
pub mod up;
