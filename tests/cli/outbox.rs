//! `coursebus outbox`, `relay`, and `held` for rows of an outbox.

use coursebus_tests::{Cli, OutboxDb, matrix};

const RENEWED: &str = "coursebus.subscription.license.renewed.v1";

fn json(key: &str) -> String {
    format!(
        r#"{{"license":{{"license_uuid":"{key}","plan_uuid":"p","user_id":1,"status":"activated","expires":"2027-01-01T00:00:00Z"}}}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn from_install_to_a_mended_row() {
    for db in OutboxDb::each() {
        matrix("outbox-command", "embedded", db.name());
        let (cli, url) = (Cli::new(), db.url());
        let run = |args: &[&str]| cli.run(args.iter().copied().chain(["--db", &url]));
        let not_there = run(&["relay", "run", "--until-empty"]).code(1);
        assert!(not_there.stderr().starts_with("error[outbox-not-installed]"), "{}", not_there.stderr());
        let sql = run(&["outbox", "install", "--print"]).ok();
        assert!(sql.stdout().contains("CREATE TABLE IF NOT EXISTS coursebus_outbox ("));
        for _ in 0..2 {
            run(&["outbox", "install"]).ok();
        }
        let mut connection = db.connect().await;
        let bad = json("a").replace(r#""status":"activated","#, "");
        for (id, payload) in [("1", bad.as_str()), ("2", &json("a")), ("3", &json("b"))] {
            connection.insert(id, RENEWED, payload, &[]).await.unwrap();
        }
        assert_eq!(run(&["outbox", "status", "-o", "json"]).ok().json()["waiting"], 3);
        let outbox = format!("outbox={url}");
        let trace = |id: &str| cli.run(["event", "trace", id, "-o", "json", "--db", &outbox]);
        let waiting = trace("3").ok().json();
        assert_eq!((waiting.as_array().unwrap().len(), &waiting[0]["state"]), (1, &"waiting".into()));
        assert_eq!((&waiting[0]["outbox"], &waiting[0]["type"]), (&"outbox".into(), &RENEWED.into()));
        let relayed = run(&["relay", "run", "--until-empty", "--timeout", "60s"]).ok();
        assert_eq!((&relayed.json()["published"], &relayed.json()["held"]), (&1.into(), &2.into()));
        let status = run(&["outbox", "status", "-o", "json"]).ok();
        assert_eq!((&status.json()["waiting"], &status.json()["held"]), (&0.into(), &2.into()));

        let traced = trace("1").ok().json();
        assert_eq!((&traced[0]["state"], &traced[0]["code"]), (&"parked".into(), &"event-does-not-fit".into()));
        let published = trace("3").ok().json();
        assert_eq!((published.as_array().unwrap().len(), &published[0]["groups"][0]["state"]), (1, &"waiting".into()));
        trace("4").code(1);

        let held = run(&["held", "list", "relay", "--flat", "-o", "json"]).ok();
        let held = held.json();
        assert_eq!((&held[0]["group"], &held[0]["code"]), (&"relay".into(), &"event-does-not-fit".into()));
        assert_eq!((&held[0]["id"], &held[0]["key"][0]), (&"1".into(), &"a".into()));
        assert_eq!(held[1]["behind"], held[0]["offset"]);
        let row = held[0]["offset"].to_string();
        assert_eq!(run(&["held", "show", "relay", &row]).ok().json()["reason"], "license.status: missing");

        std::fs::write(cli.dir().join("other.json"), json("other")).unwrap();
        let other = run(&["held", "edit", "relay", &row, "--file", "other.json"]).code(1);
        assert!(other.stderr().starts_with("error[held-edit]: the edit changes the order key"), "{}", other.stderr());
        std::fs::write(cli.dir().join("mended.json"), json("a")).unwrap();
        run(&["held", "edit", "relay", &row, "--file", "mended.json"]).ok();
        let waiting = run(&["held", "retry", "relay", &row, "--timeout", "0s"]).code(1);
        assert!(waiting.stderr().starts_with("error[held-waiting]"), "{}", waiting.stderr());
        run(&["relay", "run", "--until-empty", "--timeout", "60s"]).ok();
        let tail = cli.run(["event", "tail", "--from", "earliest", "--until-end"]).ok();
        let mut ids: Vec<String> = tail.json_lines().iter().map(|event| event["id"].to_string()).collect();
        ids.sort();
        assert_eq!(ids, [r#""1""#, r#""2""#, r#""3""#]);
        assert_eq!(run(&["held", "list", "relay", "-o", "json"]).ok().json(), serde_json::json!([]));
    }
}
