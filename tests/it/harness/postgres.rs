//! A private Postgres made from the machine's own programs, or the one `TEST_DATABASE_URL` names.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Keeps the server alive as long as its standard input is open, so that it ends with the test
/// process however that ends; in between it stops and starts the server when told to.
const SUPERVISOR: &str = r#"
start() { "$BIN/pg_ctl" -D data -l log -w -s -o "$OPTIONS" start >/dev/null && echo started || echo failed; }
stop() { "$BIN/pg_ctl" -D data -m immediate -w -s stop >/dev/null; echo stopped; }
start
while read -r order; do "$order"; done
stop >/dev/null 2>&1
rm -rf "$FOLDER"
"#;

/// What tests do without: nothing of theirs has to survive a power cut. Commits do have to survive a
/// killed server.
const HASTY: &str = "-c fsync=off -c full_page_writes=off";

/// The server of this test process.
static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();

/// Tells the databases of this process apart.
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A running server.
pub(crate) struct Server {
    /// The address of its maintenance database.
    url: String,
    private: Option<Supervised>,
}

/// A server of our own and the line to its supervisor.
struct Supervised {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    _process: Child,
}

/// A database of one test.
pub(crate) struct Database {
    pub(crate) url: String,
    /// On a server that is not ours: its name and where to drop it.
    drop_at: Option<(String, String)>,
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some((server, name)) = self.drop_at.take() else { return };
        // The runtime of the test cannot be waited for from within; this one lives on its own thread.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut link = PgConnection::connect(&server).await?;
                sqlx::query(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).execute(&mut link).await
            })
        });
        assert!(matches!(dropped.join(), Ok(Ok(_))) || std::thread::panicking(), "a test database was left behind");
    }
}

impl Database {
    /// An empty database on the server of this test process; `None` where there is no server.
    pub(crate) async fn new() -> Option<Self> {
        match SERVER.get_or_init(Server::for_this_run) {
            Ok(server) => Some(server.database().await),
            Err(reason) => {
                did_not_run(reason);
                None
            }
        }
    }
}

/// Says once, past the capture of test output, that half of the tests had nothing to run on.
pub(crate) fn did_not_run(reason: &str) {
    static SAID: OnceLock<()> = OnceLock::new();
    SAID.get_or_init(|| super::say(&format!("POSTGRES HALF DID NOT RUN: {}", reason.replace('\n', " "))));
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "tests are configured by their environment")]
    fn for_this_run() -> Result<Self, String> {
        match std::env::var("TEST_DATABASE_URL") {
            Ok(url) => Ok(Self { url, private: None }),
            Err(_) => Self::private(),
        }
    }

    /// Starts a server in a temporary folder.
    pub(crate) fn private() -> Result<Self, String> {
        Self::private_with(HASTY)
    }

    /// Starts a server in a temporary folder, with these options of its own.
    pub(crate) fn private_with(options: &str) -> Result<Self, String> {
        let programs = programs().ok_or("neither PATH nor /usr/lib/postgresql/*/bin has initdb and pg_ctl")?;
        let mut make = vec!["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"];
        make.extend(["--no-sync", "--no-instructions", "-D", "data"]);
        Self::on_copy(&programs, "initdb", &make, options)
    }

    /// Starts a hot standby of this server.
    pub(crate) fn standby(&self) -> Result<Self, String> {
        let programs = programs().ok_or("the programs of the server are gone")?;
        Self::on_copy(&programs, "pg_basebackup", &["-d", &self.url, "-R", "--checkpoint=fast", "--no-sync", "-D", "data"], HASTY)
    }

    /// Starts a server on the data that a program puts into a new folder.
    fn on_copy(programs: &Path, program: &str, arguments: &[&str], options: &str) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("market-stress-postgres-").tempdir().map_err(|e| e.to_string())?;
        let user = unprivileged_user()?;
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).map_err(|e| format!("cannot give away the folder: {e}"))?;
        }
        let made = command(&programs.join(program), folder.path(), user).args(arguments).output();
        let made = made.map_err(|e| format!("{program}: {e}"))?;
        if !made.status.success() {
            return Err(format!("{program}: {}", String::from_utf8_lossy(&made.stderr).trim()));
        }
        let server = start(programs, folder.path(), user, options)?;
        // From here on the supervisor removes it.
        let _ = folder.keep();
        Ok(server)
    }

    /// The address of a database that another server made.
    pub(crate) fn address_of(&self, database: &Database) -> String {
        let mut url = url::Url::parse(&self.url).unwrap();
        url.set_path(url::Url::parse(&database.url).unwrap().path());
        url.to_string()
    }

    /// Makes an empty database.
    pub(crate) async fn database(&self) -> Database {
        let name = format!("market_stress_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
        let mut link = PgConnection::connect(&self.url).await.unwrap();
        let create = format!("CREATE DATABASE {name} {}", collation(&mut link).await);
        sqlx::query(AssertSqlSafe(create)).execute(&mut link).await.unwrap();
        link.close().await.unwrap();
        let mut url = url::Url::parse(&self.url).unwrap();
        url.set_path(&name);
        let drop_at = self.private.is_none().then(|| (self.url.clone(), name));
        Database { url: url.to_string(), drop_at }
    }

    /// Kills the server without letting it say goodbye. Only for one of our own.
    pub(crate) fn kill(&mut self) {
        self.tell("stop", "stopped");
    }

    /// Starts it again on the same port with the same data.
    pub(crate) fn start_again(&mut self) {
        self.tell("start", "started");
    }

    fn tell(&mut self, order: &str, expected: &str) {
        let supervised = self.private.as_mut().unwrap();
        writeln!(supervised.orders, "{order}").unwrap();
        assert_eq!(answer(&mut supervised.answers), expected);
    }
}

/// Where the server can, a database sorts text as English does and not by its bytes, so that a query
/// which forgets to say how it sorts shows itself.
async fn collation(link: &mut PgConnection) -> &'static str {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_collation WHERE collprovider = 'i')";
    let has_icu: bool = sqlx::query_scalar(sql).fetch_one(link).await.unwrap();
    if has_icu { "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'" } else { "" }
}

/// The folder that holds `initdb` and `pg_ctl`, the newest where there are several.
#[expect(clippy::disallowed_methods, reason = "tests find programs by their environment")]
fn programs() -> Option<PathBuf> {
    let on_path = std::env::var("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    let mut packaged: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin")).collect();
    packaged.sort_by_key(|folder| std::cmp::Reverse(major_version(folder)));
    folders.extend(packaged);
    // A link in PATH may point to one program of a folder: follow it to where the others are.
    let homes = folders.iter().filter_map(|folder| folder.join("initdb").canonicalize().ok()?.parent().map(Path::to_owned));
    homes.into_iter().find(|home| home.join("pg_ctl").exists() && home.join("postgres").exists())
}

/// 15 for `/usr/lib/postgresql/15/bin`.
fn major_version(folder: &Path) -> Option<u32> {
    folder.parent()?.file_name()?.to_str()?.parse().ok()
}

/// Postgres refuses to run as root: the user and group to be instead, where this is root.
fn unprivileged_user() -> Result<Option<(u32, u32)>, String> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
    if !is_root {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").map_err(|e| e.to_string())?;
    let ids = |name: &str| {
        let fields: Vec<&str> = users.lines().find(|line| line.starts_with(&format!("{name}:")))?.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    let user = ids("postgres").or_else(|| ids("nobody")).ok_or("root may not run Postgres, and there is no other user to be")?;
    Ok(Some(user))
}

/// A command as the user that the server runs as, out of reach of a Ctrl-C meant for the tests.
fn command(program: &Path, folder: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).process_group(0).env("LC_ALL", "C");
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

fn start(programs: &Path, folder: &Path, user: Option<(u32, u32)>, options: &str) -> Result<Server, String> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).map_err(|e| e.to_string())?.port();
    let options = format!("-h 127.0.0.1 -p {port} -k '' -c max_connections=200 {options}");
    let mut process = command(Path::new("/bin/sh"), folder, user)
        .args(["-c", SUPERVISOR])
        .env("BIN", programs)
        .env("FOLDER", folder)
        .env("OPTIONS", options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("sh: {e}"))?;
    let orders = process.stdin.take().ok_or("the supervisor has no input")?;
    let mut answers = BufReader::new(process.stdout.take().ok_or("the supervisor has no output")?);
    if answer(&mut answers) != "started" {
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        return Err(format!("the server did not start: {log}"));
    }
    let private = Some(Supervised { orders, answers, _process: process });
    Ok(Server { url: format!("postgres://postgres@127.0.0.1:{port}/postgres"), private })
}

fn answer(answers: &mut impl BufRead) -> String {
    let mut line = String::new();
    answers.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
