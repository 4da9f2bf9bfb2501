//! What `make package` built. `make test` builds it before these tests run; where it was not built
//! they say so, and fail with `CI=true`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::program::{Program, variables};
use crate::{World, lookup, one_contact};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The archive's bytes and the one file in it.
struct Package {
    size: usize,
    bootstrap: Vec<u8>,
}

/// Reads the one way `zip` writes an archive of one small file: a local header, the deflated file,
/// the directory. (PKWARE APPNOTE 6.3, sections 4.3.7 and 4.3.12.)
fn package() -> Option<Package> {
    let path = Path::new(ROOT).join("dist/tieline-lambda.zip");
    let Ok(zip) = std::fs::read(&path) else {
        assert!(std::env::var_os("CI").is_none(), "{} is missing: `make package` builds it", path.display());
        eprintln!("{} is not there: `make package` builds it", path.display());
        return None;
    };
    let short = |at: usize| usize::from(u16::from_le_bytes(zip[at..at + 2].try_into().unwrap()));
    let long = |at: usize| u32::from_le_bytes(zip[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(long(0), 0x0403_4b50, "a local header");
    let (deflated, plain) = (long(18), long(22));
    let data = 30 + short(26) + short(28);
    assert_eq!(&zip[30..30 + short(26)], b"bootstrap");
    let directory = data + deflated;
    assert_eq!(long(directory), 0x0201_4b50, "the directory follows the one file");
    assert_eq!(long(directory + 38) >> 16, 0o100_755, "it can be run");
    assert_eq!((short(12), short(10)), ((1 << 5) | 1, 0), "no time but the first of 1980");
    let after = directory + 46 + short(directory + 28) + short(directory + 30) + short(directory + 32);
    assert_eq!(long(after), 0x0605_4b50, "and nothing else is in it");

    let mut bootstrap = Vec::with_capacity(plain);
    flate2::read::DeflateDecoder::new(&zip[data..data + deflated]).read_to_end(&mut bootstrap).unwrap();
    assert_eq!(bootstrap.len(), plain);
    Some(Package { size: zip.len(), bootstrap })
}

/// `bootstrap` out of the archive, in a folder that goes away.
fn unpacked() -> Option<(tempfile::TempDir, PathBuf)> {
    use std::os::unix::fs::PermissionsExt as _;
    let package = package()?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bootstrap");
    std::fs::write(&path, package.bootstrap).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Some((folder, path))
}

#[test]
fn the_package_is_small() {
    if let Some(package) = package() {
        assert!(package.size <= 8 << 20, "{} bytes", package.size);
    }
}

/// Amazon Linux 2023, on which `provided.al2023` runs, has glibc 2.34.
#[test]
fn the_package_runs_with_the_c_library_of_amazon_linux_2023() {
    let Some(package) = package() else { return };
    assert_eq!(&package.bootstrap[..6], b"\x7fELF\x02\x01", "64 bits, little-endian");
    assert_eq!(package.bootstrap[18..20], [0x3e, 0], "x86_64");
    // The versions a program needs stand in it as these texts and nowhere else.
    let text = b"GLIBC_2.";
    let needed: Vec<u32> = package
        .bootstrap
        .windows(text.len())
        .enumerate()
        .filter(|(_, window)| *window == text)
        .filter_map(|(at, _)| {
            let minor: String = package.bootstrap[at + text.len()..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .map(|byte| char::from(*byte))
                .collect();
            minor.parse().ok()
        })
        .collect();
    let highest = *needed.iter().max().expect("it is linked to the C library");
    assert!(highest <= 34, "needs glibc 2.{highest}");
}

#[test]
fn the_package_holds_no_path_of_the_machine_that_built_it() {
    let Some(package) = package() else { return };
    let root = Path::new(ROOT).canonicalize().unwrap();
    for path in [root.to_str().unwrap(), "/.cargo/registry/", "/home/"] {
        let found = package.bootstrap.windows(path.len()).any(|window| window == path.as_bytes());
        assert!(!found, "{path} is in the program");
    }
}

#[tokio::test]
async fn the_package_answers_by_itself() {
    let Some((_folder, bootstrap)) = unpacked() else { return };
    let world = World::new(one_contact).await;
    let variables = variables(&world.salesforce, &world.aws);
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let _program = Program::start_from(&bootstrap, &world.api.addr.to_string(), "dip", &variables);
    let said = world.api.invoke(lookup(&json!({"LastName": "O'Neil"}))).await;
    assert_eq!(said.body, json!({"Id": "003", "N__c": "1", "sf_count": "1"}));
}

/// An emulator that knows nothing of us: `cargo lambda` as it comes from PyPI.
struct Emulator {
    process: Child,
    port: u16,
}

impl Emulator {
    fn start() -> Self {
        let installed = Command::new(Path::new(ROOT).join("scripts/aws-tools/install.sh"))
            .arg("cargo-lambda")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        let programs = PathBuf::from(String::from_utf8(installed.stdout).unwrap().trim());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut process = Command::new(programs.join("cargo-lambda"))
            .args(["lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1", "--invoke-port"])
            .arg(port.to_string())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("starting Runtime server") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "the emulator did not start");
        }
        // It says so a moment before it listens, and a program that finds nobody ends.
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(process.try_wait().unwrap().is_none(), "the emulator has ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        // Were nobody to read on, it would wait for that one day.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { process, port }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_package_answers_under_an_emulator_of_aws_lambda() {
    let Some((_folder, bootstrap)) = unpacked() else { return };
    let world = World::new(one_contact).await;
    let emulator = tokio::task::spawn_blocking(Emulator::start).await.unwrap();
    let port = emulator.port;
    let variables = variables(&world.salesforce, &world.aws);
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let api = format!("http://127.0.0.1:{port}/.rt");
    let _program = Program::start_from(&bootstrap, &api, "dip", &variables);

    // The first one in the process wins; the tree holds one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
    let invoke = async |event: serde_json::Value| {
        let url = format!("http://127.0.0.1:{port}/2015-03-31/functions/_/invocations");
        let answer = client.post(&url).json(&event).send().await.unwrap();
        (answer.status(), answer.json::<serde_json::Value>().await.unwrap())
    };
    let (status, answer) = invoke(lookup(&json!({"LastName": "Keller"}))).await;
    assert_eq!((status.as_u16(), answer), (200, json!({"Id": "003", "N__c": "1", "sf_count": "1"})));
    let (_, failure) = invoke(json!({"Details": {"Parameters": {}}})).await;
    assert_eq!(failure["errorType"], "dip.missing_parameter", "{failure}");
    let (_, again) = invoke(lookup(&json!({"LastName": "O'Neil"}))).await;
    assert_eq!(again["Id"], "003");
    assert_eq!(world.aws.seen().len(), 1, "one process answered them all");
}
