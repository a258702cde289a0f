//! Kafka, PostgreSQL and MariaDB as containers, where a Docker engine runs.
//!
//! Not exercised where no container engine runs; the settings are those of the processes, which are.

use std::{net::TcpStream, process::Command, time::Duration};

use anyhow::{Context, Result, bail};

use super::{
    group::{Group, Server},
    jars::KAFKA_VERSION,
    kafka::{self, Node},
    mariadb, ports,
};
use crate::run::{self, Job};

/// The major version that Debian 12 brings, so that both ways test the same.
pub const POSTGRES_IMAGE: &str = "postgres:15";
/// Likewise.
pub const MARIADB_IMAGE: &str = "mariadb:10.11";
/// Images may have to be pulled first.
const START_LIMIT: Duration = Duration::from_secs(300);
const READY_LIMIT: Duration = Duration::from_secs(120);

/// Whether a Docker engine answers. The client alone is not enough.
pub fn engine_runs() -> bool {
    let mut info = Command::new("docker");
    run::ask(info.args(["info", "--format", "{{.ServerVersion}}"]), Duration::from_secs(10))
        .is_some_and(|version| !version.trim().is_empty())
}

/// Starts a container a node in a network of their own; returns the bootstrap servers.
pub fn kafka(job: &Job, group: &mut Group, nodes: u16) -> Result<String> {
    let network = unique("net");
    group.add(Server::Network(network.clone()))?;
    docker(job, group, &["network".into(), "create".into(), network.clone()])?;
    let ports = ports::free(usize::from(nodes))?;
    let prefix = unique("kafka");
    let cluster: Vec<Node> = (1..=nodes).zip(&ports).map(|(id, port)| node(&prefix, id, *port)).collect();
    let cluster_id = kafka::cluster_id();
    for (node, port) in cluster.iter().zip(&ports) {
        let name = format!("{prefix}-{}", node.id);
        group.add(Server::Container(name.clone()))?;
        let mut args = run_args(&name, *port, *port);
        args.extend(["--network".into(), network.clone(), "--env".into(), format!("CLUSTER_ID={cluster_id}")]);
        for (setting, value) in kafka::settings(node, &cluster) {
            args.extend(["--env".into(), format!("{}={value}", variable(setting))]);
        }
        args.push(format!("apache/kafka:{KAFKA_VERSION}"));
        docker(job, group, &args)?;
    }
    for (node, port) in cluster.iter().zip(&ports) {
        ready(job, &format!("{prefix}-{}", node.id), "Kafka Server started", *port)?;
    }
    Ok(ports.iter().map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(","))
}

/// Starts PostgreSQL; returns its URL.
pub fn postgres(job: &Job, group: &mut Group) -> Result<String> {
    let port = ports::free(1)?[0];
    let name = unique("postgres");
    group.add(Server::Container(name.clone()))?;
    let mut args = run_args(&name, port, 5432);
    args.extend(["--env".into(), "POSTGRES_HOST_AUTH_METHOD=trust".into(), POSTGRES_IMAGE.into()]);
    args.extend(["-c".into(), "max_connections=300".into(), "-c".into(), "timezone=UTC".into()]);
    docker(job, group, &args)?;
    // The image starts the server once without a network to set it up: only after that line is it the real one.
    ready(job, &name, "PostgreSQL init process complete", port)?;
    Ok(format!("postgres://postgres@127.0.0.1:{port}/postgres"))
}

/// Starts MariaDB; returns its URL.
pub fn mariadb(job: &Job, group: &mut Group) -> Result<String> {
    let port = ports::free(1)?[0];
    let name = unique("mariadb");
    group.add(Server::Container(name.clone()))?;
    let mut args = run_args(&name, port, 3306);
    for setting in ["MARIADB_ROOT_PASSWORD=coursebus", "MARIADB_DATABASE=coursebus"] {
        args.extend(["--env".into(), setting.into()]);
    }
    args.extend([MARIADB_IMAGE.into(), mariadb::CONNECTIONS.into()]);
    docker(job, group, &args)?;
    // The image starts the server once without a network to set it up, and that one says `port: 0`.
    ready(job, &name, "port: 3306", port)?;
    Ok(format!("mysql://root:coursebus@127.0.0.1:{port}/coursebus"))
}

/// Inside the network a node is known by its container's name; to this machine by its published port.
fn node(prefix: &str, id: u16, port: u16) -> Node {
    let host = format!("{prefix}-{id}");
    Node {
        id,
        controller: format!("{host}:9093"),
        listeners: format!("PLAINTEXT://:{port},INTERNAL://:9092,CONTROLLER://:9093"),
        advertised: format!("PLAINTEXT://127.0.0.1:{port},INTERNAL://{host}:9092"),
        between: "INTERNAL",
        data: "/var/lib/kafka/data".to_owned(),
    }
}

/// How the image names a setting: `log.dirs` is `KAFKA_LOG_DIRS`.
fn variable(setting: &str) -> String {
    format!("KAFKA_{}", setting.replace('.', "_").to_uppercase())
}

fn run_args(name: &str, outside: u16, inside: u16) -> Vec<String> {
    let publish = format!("127.0.0.1:{outside}:{inside}");
    ["run", "--detach", "--name", name, "--publish", &publish].map(str::to_owned).into()
}

fn docker(job: &Job, group: &Group, args: &[String]) -> Result<()> {
    job.run(Command::new("docker").args(args), START_LIMIT, &group.dir().join("docker.log"))
}

fn ready(job: &Job, name: &str, line: &str, port: u16) -> Result<()> {
    job.wait(name, READY_LIMIT, || {
        let output = Command::new("docker").args(["logs", name]).output().context("docker logs")?;
        if !output.status.success() {
            bail!("container {name} is gone: {}", String::from_utf8_lossy(&output.stderr));
        }
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).contains(line));
        Ok((said.contains(&true) && TcpStream::connect(("127.0.0.1", port)).is_ok()).then_some(()))
    })
}

fn unique(what: &str) -> String {
    format!("coursebus-{}-{what}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_become_the_image_s_variables() {
        assert_eq!(variable("controller.quorum.voters"), "KAFKA_CONTROLLER_QUORUM_VOTERS");
    }

    #[test]
    fn nodes_reach_one_another_by_name_and_this_machine_by_port() {
        let node = node("p", 2, 20001);
        assert_eq!(node.controller, "p-2:9093");
        assert_eq!(node.advertised, "PLAINTEXT://127.0.0.1:20001,INTERNAL://p-2:9092");
    }
}
