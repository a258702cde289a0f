//! One or three Kafka nodes (KRaft, each broker and controller) on loopback.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    net::TcpStream,
    path::Path,
    process::Child,
    time::Duration,
};

use anyhow::{Result, bail};

use super::{
    container,
    group::{Group, Server},
    jars::Jars,
    ports, process,
    secure::Secure,
};
use crate::run::{self, Job};

/// How long the nodes may take from their start to their answer; measured 6 to 23 s on two busy cores.
const READY_LIMIT: Duration = Duration::from_secs(90);
const FORMAT_LIMIT: Duration = Duration::from_secs(60);
/// How often a start is tried again, on other ports, when another program was faster to take one.
const ATTEMPTS: u32 = 3;

/// Where one node listens and how the others reach it.
pub struct Node {
    /// 1 and up.
    pub id: u16,
    /// `host:port` of its controller, as the other nodes name it.
    pub controller: String,
    /// `listeners`.
    pub listeners: String,
    /// `advertised.listeners`.
    pub advertised: String,
    /// The listener by which brokers reach one another.
    pub between: &'static str,
    /// The folder of its log.
    pub data: String,
}

/// Starts the cluster and waits until every node serves.
pub fn start(job: &Job, root: &Path, group: &mut Group) -> Result<()> {
    let nodes = group.state().nodes;
    let bootstrap = if container::engine_runs() {
        let bootstrap = container::kafka(job, group, nodes)?;
        // The containers have no secure listener: a node of this machine has. Where that cannot be, what needs it says that
        // it was skipped.
        let secure = Jars::get(job, root).and_then(|jars| start_processes(job, root, group, &jars, 1, ATTEMPTS));
        if let Err(error) = secure {
            job.say(format!("kafka: no secure listener: {error:#}"));
        }
        bootstrap
    } else {
        let jars = Jars::get(job, root)?;
        start_processes(job, root, group, &jars, nodes, ATTEMPTS)?
    };
    job.say(format!("kafka: ready at {bootstrap}"));
    group.kafka_is_at(bootstrap)
}

fn start_processes(
    job: &Job,
    root: &Path,
    group: &mut Group,
    jars: &Jars,
    nodes: u16,
    attempts: u32,
) -> Result<String> {
    let free = ports::free(usize::from(nodes) * 3)?;
    let dir = group.dir().join("kafka");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    let secure = Secure::make(job, jars, dir.join("secure"))?;
    let cluster: Vec<Node> = (1..=nodes)
        .zip(free.chunks_exact(3))
        .map(|(id, ports)| Node {
            id,
            controller: format!("127.0.0.1:{}", ports[1]),
            listeners: format!(
                "PLAINTEXT://127.0.0.1:{},CONTROLLER://127.0.0.1:{},SASL_SSL://127.0.0.1:{}",
                ports[0], ports[1], ports[2]
            ),
            advertised: format!("PLAINTEXT://127.0.0.1:{},SASL_SSL://127.0.0.1:{}", ports[0], ports[2]),
            between: "PLAINTEXT",
            data: dir.join(format!("node{id}/data")).display().to_string(),
        })
        .collect();
    format_all(job, jars, &dir, &cluster, &secure)?;

    let log4j = format!("-Dlog4j2.configurationFile={}", root.join("xtask/services/kafka/log4j2.yaml").display());
    let options =
        ["-Xms256m", "-Xmx512m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:+ExitOnOutOfMemoryError", &log4j];
    let mut children = Vec::new();
    for node in &cluster {
        let home = dir.join(format!("node{}", node.id));
        let mut java = jars.command(&options, "kafka.Kafka");
        java.arg(home.join("server.properties"));
        let what = format!("kafka node {}", node.id);
        let (process, child) = process::launch(&what, &java, None, "TERM", &home.join("log"))?;
        group.add(Server::Process(process))?;
        children.push((what, child, home.join("log")));
    }
    let ready = children
        .iter_mut()
        .zip(free.chunks_exact(3))
        .try_for_each(|((what, child, log), ports)| job.wait(what, READY_LIMIT, || serves(child, log, ports[0])));
    if let Err(error) = ready {
        for (_, child, _) in &mut children {
            // It has ended already, or is of no use without the others.
            let _ = child.kill();
            let _ = child.wait();
        }
        group.forget_dead()?;
        if attempts > 1 && children.iter().any(|(_, _, log)| port_taken(log)) {
            job.say("kafka: a port was taken meanwhile, trying others");
            return start_processes(job, root, group, jars, nodes, attempts - 1);
        }
        return Err(error);
    }
    let all = |listener: usize| {
        free.chunks_exact(3).map(|ports| format!("127.0.0.1:{}", ports[listener])).collect::<Vec<_>>().join(",")
    };
    group.secure_kafka_is_at(secure.is_at(&all(2), &all(0))?)?;
    Ok(all(0))
}

/// Writes every node's settings and formats its folder; all at once, because each takes a JVM some seconds.
fn format_all(job: &Job, jars: &Jars, dir: &Path, cluster: &[Node], secure: &Secure) -> Result<()> {
    job.say(format!("kafka: formatting {} node(s)", cluster.len()));
    let id = cluster_id();
    std::thread::scope(|scope| {
        let formats: Vec<_> = cluster
            .iter()
            .map(|node| {
                let home = dir.join(format!("node{}", node.id));
                let id = &id;
                scope.spawn(move || {
                    fs::create_dir_all(&home)?;
                    let file = home.join("server.properties");
                    let told = settings(node, cluster).into_iter().chain(secure.settings());
                    fs::write(&file, told.map(|(name, value)| format!("{name}={value}\n")).collect::<String>())?;
                    let quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"];
                    let mut java = jars.command(&quick, "kafka.tools.StorageTool");
                    java.args(["format", "-t", id, "-c"]).arg(file).args(secure.format_args());
                    job.run(&mut java, FORMAT_LIMIT, &home.join("format.log"))
                })
            })
            .collect();
        formats.into_iter().try_for_each(|thread| thread.join().expect("formatting does not panic"))
    })
}

/// What a node is told. Small internal topics, no wait before the first rebalance, quick retention and compaction: tests
/// see in seconds what takes minutes by default. Topics are never created by being named.
pub fn settings(node: &Node, cluster: &[Node]) -> Vec<(&'static str, String)> {
    let voters: Vec<String> = cluster.iter().map(|node| format!("{}@{}", node.id, node.controller)).collect();
    let replicas = cluster.len().min(3);
    let in_sync = replicas.min(2);
    let map = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,SASL_SSL:SASL_SSL";
    vec![
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", node.id.to_string()),
        ("controller.quorum.voters", voters.join(",")),
        ("listeners", node.listeners.clone()),
        ("advertised.listeners", node.advertised.clone()),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("inter.broker.listener.name", node.between.to_owned()),
        ("listener.security.protocol.map", map.to_owned()),
        ("log.dirs", node.data.clone()),
        ("num.network.threads", "2".to_owned()),
        ("num.io.threads", "4".to_owned()),
        ("num.partitions", "1".to_owned()),
        ("auto.create.topics.enable", "false".to_owned()),
        ("default.replication.factor", replicas.to_string()),
        ("min.insync.replicas", in_sync.to_string()),
        ("offsets.topic.replication.factor", replicas.to_string()),
        ("offsets.topic.num.partitions", "5".to_owned()),
        ("transaction.state.log.replication.factor", replicas.to_string()),
        ("transaction.state.log.min.isr", in_sync.to_string()),
        ("transaction.state.log.num.partitions", "5".to_owned()),
        ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000".to_owned()),
        ("share.coordinator.state.topic.replication.factor", replicas.to_string()),
        ("share.coordinator.state.topic.min.isr", in_sync.to_string()),
        ("share.coordinator.state.topic.num.partitions", "1".to_owned()),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        ("log.cleaner.backoff.ms", "1000".to_owned()),
        ("log.cleaner.dedupe.buffer.size", "16777216".to_owned()),
        ("log.retention.check.interval.ms", "1000".to_owned()),
    ]
}

/// A new cluster's id: 22 characters of URL-safe base64. It begins with a letter, because StorageTool takes one that
/// begins with `-` for an option, and ends with one whose unused bits are zero.
pub fn cluster_id() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let draw = |n: u64, within: usize| (RandomState::new().hash_one(n) % within as u64) as usize;
    let middle = (1..21).map(|n| ALPHABET[draw(n, 64)]);
    let bytes = [ALPHABET[draw(0, 26)]].into_iter().chain(middle).chain([b"AQgw"[draw(21, 4)]]);
    bytes.map(char::from).collect()
}

/// Whether the node says that it has started and its port answers; an error if it has ended.
fn serves(child: &mut Child, log: &Path, port: u16) -> Result<Option<()>> {
    if let Some(status) = child.try_wait()? {
        bail!("ended with {status}; {}", run::tail(log));
    }
    let started = fs::read_to_string(log)?.contains("Kafka Server started");
    Ok((started && TcpStream::connect(("127.0.0.1", port)).is_ok()).then_some(()))
}

fn port_taken(log: &Path) -> bool {
    fs::read_to_string(log).is_ok_and(|text| text.contains("Address already in use"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: u16) -> Node {
        Node {
            id,
            controller: format!("h:{id}"),
            listeners: String::new(),
            advertised: String::new(),
            between: "PLAINTEXT",
            data: String::new(),
        }
    }

    #[test]
    fn three_nodes_replicate_and_one_does_not_try() {
        for (count, replicas, in_sync, voters) in [(1, "1", "1", "1@h:1"), (3, "3", "2", "1@h:1,2@h:2,3@h:3")] {
            let cluster: Vec<Node> = (1..=count).map(node).collect();
            let told = settings(&cluster[0], &cluster);
            let value = |name: &str| told.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
            assert_eq!(value("offsets.topic.replication.factor"), Some(replicas));
            assert_eq!(value("min.insync.replicas"), Some(in_sync));
            assert_eq!(value("controller.quorum.voters"), Some(voters));
            assert_eq!(value("auto.create.topics.enable"), Some("false"));
        }
    }

    #[test]
    fn cluster_ids_are_valid_and_differ() {
        let (one, other) = (cluster_id(), cluster_id());
        assert_ne!(one, other);
        assert_eq!(one.len(), 22);
        assert!(one.starts_with(|c: char| c.is_ascii_uppercase()) && one.ends_with(['A', 'Q', 'g', 'w']));
    }
}
