//! The database holds names, numbers and sealed tokens: nobody but the user the server runs as
//! may read it, whatever the umask says.

use std::io;
use std::path::Path;

/// Makes a folder and those above it that are missing, for our user only. A folder that is
/// there already stays as its owner made it.
pub fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Sees to it that a file is there and that only our user may read and write it.
pub(crate) fn private_file(path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mut permissions = file.metadata()?.permissions();
        // A database of an earlier version, or one copied back from somewhere.
        if permissions.mode() & 0o077 != 0 {
            permissions.set_mode(0o600);
            file.set_permissions(permissions)?;
        }
    }
    drop(file);
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    use tieline_core::FixedClock;

    use super::*;
    use crate::SqliteStore;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn nobody_else_can_read_the_database_its_journal_or_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("deep/data");
        private_folder(&data).unwrap();
        assert_eq!(mode(&data), 0o700);
        let file = data.join("tieline.db");
        // As an earlier version would have left it.
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();

        let clock = FixedClock("2026-11-20T09:00:00Z".parse().unwrap());
        let _store = SqliteStore::open(&file, Arc::new(clock)).unwrap();

        for entry in std::fs::read_dir(&data).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        assert!(data.join("tieline.db-wal").exists());
    }
}
