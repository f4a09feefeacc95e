//! What the kernel says: the CPU time and memory of processes, and how much of the machine others used.

use std::time::Instant;

/// Ticks of `/proc` in a second: `USER_HZ`, 100 on every Linux that this program is built for.
const TICKS: f64 = 100.0;

/// CPU seconds of a process, its own and those of its children that have ended. 0 if it is gone.
pub(super) fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name stands in brackets and may hold anything; utime, stime, cutime and cstime are fields 14 to 17.
    let Some((_, fields)) = stat.rsplit_once(')') else { return 0.0 };
    let ticks: f64 = fields.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS
}

/// CPU seconds of several.
pub(super) fn cpu_seconds_of(pids: &[u32]) -> f64 {
    pids.iter().copied().map(cpu_seconds).sum()
}

/// Resident memory of a process in KiB.
pub(super) fn resident_kib(pid: u32) -> u64 {
    status_kib(pid, "VmRSS:")
}

/// The most that it ever was.
pub(super) fn most_resident_kib(pid: u32) -> u64 {
    status_kib(pid, "VmHWM:")
}

fn status_kib(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// CPU seconds of all processes called `postgres`: a server of the same machine.
fn postgres_seconds() -> f64 {
    let Ok(folder) = std::fs::read_dir("/proc") else { return 0.0 };
    let pids = folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let named =
        |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "postgres");
    pids.filter(named).map(cpu_seconds).sum()
}

/// Seconds that all CPUs were busy, and seconds that the host kept from them.
fn machine_seconds() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let at = |index: usize| ticks.get(index).copied().unwrap_or(0.0);
    // user, nice, system, (idle, iowait,) irq, softirq; steal.
    ((at(0) + at(1) + at(2) + at(5) + at(6)) / TICKS, at(7) / TICKS)
}

/// All counters at one instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot {
    at: Instant,
    server: f64,
    database: f64,
    load: f64,
    machine: f64,
    stolen: f64,
}

impl Snapshot {
    /// Reads the counters: of the server's processes, of PostgreSQL if it is used, of ourselves and of the machine.
    pub(super) fn take(pids: &[u32], postgres: bool) -> Self {
        let (machine, stolen) = machine_seconds();
        Self {
            at: Instant::now(),
            server: cpu_seconds_of(pids),
            database: if postgres { postgres_seconds() } else { 0.0 },
            load: cpu_seconds(std::process::id()),
            machine,
            stolen,
        }
    }

    /// What was used since `before`.
    pub(super) fn since(&self, before: &Self) -> Usage {
        let (server, database, load) =
            (self.server - before.server, self.database - before.database, self.load - before.load);
        Usage {
            seconds: self.at.duration_since(before.at).as_secs_f64(),
            server,
            database,
            load,
            others: (self.machine - before.machine - server - database - load).max(0.0) + self.stolen - before.stolen,
        }
    }
}

/// CPU seconds between two snapshots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// Seconds on the wall.
    pub(super) seconds: f64,
    /// The server.
    pub(super) server: f64,
    /// PostgreSQL.
    pub(super) database: f64,
    /// The load generator.
    pub(super) load: f64,
    /// Everybody else, the host included.
    pub(super) others: f64,
}

/// The machine, for the record.
pub(super) fn machine() -> serde_json::Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, model)| model.to_owned()));
    serde_json::json!({
        "cpu": model.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        "cpus": std::thread::available_parallelism().map_or(1, usize::from),
        "kernel": read("/proc/sys/kernel/osrelease"),
    })
}

/// The CPUs that this process may use, by number.
pub(super) fn allowed_cpus() -> Vec<usize> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse::<usize>().ok()?..=last.trim().parse::<usize>().ok()?)
    };
    list.trim().split(',').filter_map(range).flatten().collect()
}

/// Milliseconds of one small durable write in `folder`: the middle of two hundred.
pub(super) fn fdatasync_milliseconds(folder: &std::path::Path) -> Option<f64> {
    use std::io::Write as _;
    let path = folder.join("fdatasync");
    let mut file = std::fs::File::create(&path).ok()?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        file.write_all(&[0; 4096]).ok()?;
        file.sync_data().ok()?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    let _ = std::fs::remove_file(path);
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}
