use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::LoggingError;

/// A file of lines that is put aside when it is full: `bot.log` becomes `bot.log.1`, what was
/// `bot.log.1` becomes `bot.log.2`, and so on up to the number that is kept.
///
/// A line is never split between two files, and one that is longer than a whole file has a file of
/// its own. After a restart it goes on in the file that is there. One process writes a file, two
/// would put each other's lines aside.
///
/// ```
/// use tradewright::logging::RollingFile;
///
/// let path = std::env::temp_dir().join(format!("tradewright-rolling-{}.log", std::process::id()));
/// let mut file = RollingFile::open(&path, 10, 1)?;
/// for line in ["one\n", "two\n", "three\n"] {
///     file.write_line(line.as_bytes())?;
/// }
/// assert_eq!(std::fs::read_to_string(&path)?, "three\n");
/// assert_eq!(std::fs::read_to_string(file.put_aside(1))?, "one\ntwo\n");
/// # std::fs::remove_file(file.put_aside(1))?;
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RollingFile {
    path: PathBuf,
    most_bytes: u64,
    kept: u32,
    file: File,
    /// Bytes of whole lines in it.
    length: u64,
    /// A line that would end behind this goes to the next file.
    roll_at: u64,
    /// A part of a line stands at its end.
    is_torn: bool,
    failed_rolls: u64,
}

impl RollingFile {
    /// Opens a file, or makes it with its folders. It is full at `most_bytes`, and `kept` full
    /// files are kept beside it; of those that an earlier run has kept, more are removed.
    ///
    /// # Errors
    /// [`LoggingError::Folder`] and [`LoggingError::File`].
    pub fn open(path: &Path, most_bytes: u64, kept: u32) -> Result<Self, LoggingError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder).map_err(|error| LoggingError::Folder {
                path: folder.to_owned(),
                kind: error.kind(),
            })?;
        }
        let failed =
            |error: io::Error| LoggingError::File { path: path.to_owned(), kind: error.kind() };
        let mut file = open(path).map_err(failed)?;
        let (length, is_torn) = end_of(&mut file).map_err(failed)?;
        let path = path.to_owned();
        let failed_rolls = 0;
        let most_bytes = most_bytes.max(1);
        let roll_at = most_bytes;
        let rolling = Self { path, most_bytes, kept, file, length, roll_at, is_torn, failed_rolls };
        rolling.remove_surplus();
        Ok(rolling)
    }

    /// Writes a line with its end. When that fails, what was written of it is taken back.
    ///
    /// # Errors
    /// Those of the file: no space, say. The next line may succeed again.
    pub fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        let end = self.length.saturating_add(line.len() as u64);
        if self.length > 0 && end > self.roll_at {
            self.roll();
        }
        if self.is_torn {
            // What the end of another process, or a full disk, has left of a line.
            self.file.write_all(b"\n")?;
            self.length = self.length.saturating_add(1);
            self.is_torn = false;
        }
        match self.file.write_all(line) {
            Ok(()) => {
                self.length = self.length.saturating_add(line.len() as u64);
                Ok(())
            }
            Err(error) => {
                self.is_torn = self.file.set_len(self.length).is_err();
                Err(error)
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the full file of this number is; the newest is 1.
    pub fn put_aside(&self, number: u32) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }

    /// How often a full file could not be put aside. It is written on then, and tried again when
    /// it has grown by another full file.
    pub const fn failed_rolls(&self) -> u64 {
        self.failed_rolls
    }

    fn roll(&mut self) {
        match self.put_all_aside() {
            Ok(file) => {
                self.file = file;
                self.length = 0;
                self.is_torn = false;
                self.roll_at = self.most_bytes;
            }
            Err(_) => {
                self.failed_rolls = self.failed_rolls.saturating_add(1);
                self.roll_at = self.length.saturating_add(self.most_bytes);
            }
        }
    }

    /// Moves each full file by one and gives a new one.
    fn put_all_aside(&self) -> io::Result<File> {
        for number in (1..self.kept).rev() {
            moved(&self.put_aside(number), &self.put_aside(number.saturating_add(1)))?;
        }
        match self.kept {
            0 => present(fs::remove_file(&self.path))?,
            _ => moved(&self.path, &self.put_aside(1))?,
        }
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        open(&self.path)
    }

    /// Files of a time when more were kept. One that cannot be removed does no harm.
    fn remove_surplus(&self) {
        let numbers = self.kept.saturating_add(1)..;
        let surplus = numbers.map(|number| self.put_aside(number));
        surplus.take_while(|path| fs::remove_file(path).is_ok()).for_each(drop);
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

/// The length of a file, and whether it ends within a line.
fn end_of(file: &mut File) -> io::Result<(u64, bool)> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok((0, false));
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok((length, last != *b"\n"))
}

/// Moves a file in the place of another; one that is not there needs no move.
fn moved(from: &Path, to: &Path) -> io::Result<()> {
    present(fs::rename(from, to))
}

fn present(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
