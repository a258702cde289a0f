//! Migrations of a sink's database on MySQL, where each statement ends a transaction.

use std::time::Duration;

use sqlx::{
    MySqlConnection, Row, SqlSafeStr,
    migrate::{Migrate, Migration, MigrationType, Migrator},
};

use super::{
    super::StoreError,
    ddl,
    server::{Flavour, Server},
    statement::query,
    wrong,
};
use crate::SinkSpec;

/// How long to wait for another process that migrates.
const LOCK: Duration = Duration::from_secs(60);
/// The kit's own tables. A migration of the kit behind 20 stands here, too.
const KIT: [(i64, &str, &str); 1] = [(20, "kit", include_str!("../../../migrations/mysql/0020_kit.sql"))];

/// Runs what was not run yet, one process at a time. sqlx's own lock is none on MariaDB, which refuses to wait without an end.
pub(super) async fn migrate(server: &Server, spec: &SinkSpec) -> Result<(), StoreError> {
    let mut connection = server.pool.acquire().await.map_err(|e| wrong(e, "connect"))?;
    let name: String = format!("coursebus {}", server.database).chars().take(64).collect();
    lock(&mut connection, &name).await?;
    let migrated = run(&mut connection, &migrator(spec, server.flavour)).await;
    let released = query("DO RELEASE_LOCK($1)").bind(name).execute(&mut *connection).await;
    migrated?;
    released.map(drop).map_err(|e| wrong(e, "migrate"))
}

async fn lock(connection: &mut MySqlConnection, name: &str) -> Result<(), StoreError> {
    let seconds = i64::try_from(LOCK.as_secs()).expect("a minute is short");
    let ask = query("SELECT CAST(GET_LOCK($1, $2) AS BIGINT)").bind(name).bind(seconds);
    let row = ask.fetch_one(connection).await.map_err(|e| wrong(e, "migrate"))?;
    if row.try_get::<Option<i64>, _>(0).map_err(|e| wrong(e, "migrate"))? == Some(1) {
        return Ok(());
    }
    Err(StoreError::Away { hint: "another process migrates it".to_owned(), source: "no lock within 60 s".into() })
}

/// What a process that was killed has begun is run again: its tables are made only if they are not there.
async fn run(connection: &mut MySqlConnection, migrator: &Migrator) -> Result<(), StoreError> {
    let broken = |source| StoreError::Broken { what: "migrate".to_owned(), source };
    connection.ensure_migrations_table(&migrator.table_name).await.map_err(|e| broken(e.into()))?;
    let unfinished = query("DELETE FROM _sqlx_migrations WHERE success = FALSE");
    unfinished.execute(&mut *connection).await.map_err(|e| wrong(e, "migrate"))?;
    migrator.run(connection).await.map_err(|e| broken(e.into()))
}

/// The checksum is that of the text before it is translated: the translation may get better.
fn migrator(spec: &SinkSpec, flavour: Flavour) -> Migrator {
    let collation = flavour.collation();
    let options = ddl::table_options(collation);
    let kit = KIT.iter().map(|(number, name, sql)| (*number, *name, *sql, sql.replace("TABLE_OPTIONS", &options)));
    let of_sink = |sql| ddl::translate(sql, spec.tables, collation);
    let sink = spec.migrations.iter().map(|(number, name, sql)| (*number, *name, *sql, of_sink(sql)));
    let migration = |(number, name, sql, translated): (i64, &'static str, &'static str, String)| {
        let new = |sql| Migration::new(number, name.into(), MigrationType::Simple, sql, false);
        let checksum = new(sql.into_sql_str()).checksum;
        Migration { checksum, ..new(sqlx::AssertSqlSafe(translated).into_sql_str()) }
    };
    let mut migrator = Migrator::with_migrations(kit.chain(sink).map(migration).collect());
    migrator.set_ignore_missing(true).set_locking(false);
    migrator
}
