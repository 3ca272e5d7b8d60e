//! Places where tests end this process, to see that what was accepted survives.
//!
//! Only in builds with the feature `failpoints`, which no release has: `reach("name")` ends the process with SIGKILL if the home holds
//! the file `data/run/failpoints/name`, and takes the file away first, so that it happens once. Where the file says `hang`, the thread
//! stands still instead, for good: a worker, which has one thread only, is then frozen. Otherwise it does nothing.

#[cfg(feature = "failpoints")]
mod armed {
    use std::path::PathBuf;
    use std::sync::OnceLock;

    static FOLDER: OnceLock<PathBuf> = OnceLock::new();

    pub(super) fn set(folder: PathBuf) {
        // A process has one home.
        drop(FOLDER.set(folder));
    }

    pub(super) fn reach(name: &str) {
        let Some(file) = FOLDER.get().map(|folder| folder.join(name)) else { return };
        let Ok(how) = std::fs::read_to_string(&file) else { return };
        if std::fs::remove_file(&file).is_ok() {
            if how != "hang" {
                // It cannot fail for the process itself.
                let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            }
            loop {
                std::thread::park();
            }
        }
    }
}

/// Says which home's failpoints count for this process.
pub fn arm(_home: &std::path::Path) {
    #[cfg(feature = "failpoints")]
    armed::set(_home.join("data/run/failpoints"));
}

/// A place where a test may end this process.
#[inline]
pub fn reach(_name: &str) {
    #[cfg(feature = "failpoints")]
    armed::reach(_name);
}
