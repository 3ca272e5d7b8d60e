//! A home's files through the front door: what `init` writes can be loaded, and what is wrong is named with file, line, field and
//! remedy, all of it at once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod config {
    mod small_home;

    mod fresh;
    mod loading;
    mod roles;
    mod safety;
    mod settings;
}
