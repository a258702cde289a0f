//! Every operation of the API: what it is called, takes and answers. Routes, OpenAPI document and tests go by this table.

use std::{future::Future, pin::Pin};

use axum::http::Method;

use super::{Answer, Call, compatibility, config, contexts, mode, schemas, subjects, versions};

/// One operation.
pub struct Operation {
    /// Its name: resource and verb.
    pub id: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path, parts in braces.
    pub path: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// The parameters that may stand behind the path.
    pub query: &'static [&'static str],
    /// What its body is, where it has one.
    pub body: Option<Body>,
    /// What a success answers.
    pub reply: Shape,
    /// The error codes that are its own; 50001 and 50002 belong to all.
    pub errors: &'static [u32],
    pub(super) answer: fn(Call) -> Pin<Box<dyn Future<Output = Answer> + Send>>,
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// A schema with what belongs to it.
    Schema,
    /// Settings.
    Config,
    /// A mode.
    Mode,
}

/// What a success answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the document's schemas")]
pub enum Shape {
    Anything,
    Names,
    Numbers,
    Number,
    Version,
    Versions,
    Registered,
    Schema,
    RawSchema,
    SubjectVersions,
    ContextIds,
    Compatibility,
    Config,
    ConfigEcho,
    Mode,
    Nothing,
}

macro_rules! operations {
    ($($id:literal $method:ident $path:literal [$($query:literal),*] $body:expr => $reply:ident [$($error:literal),*] $answer:path : $summary:literal;)*) => {
        /// All operations.
        pub static OPERATIONS: &[Operation] = &[$(Operation {
            id: $id,
            method: Method::$method,
            path: $path,
            summary: $summary,
            query: &[$($query),*],
            body: $body,
            reply: Shape::$reply,
            errors: &[$($error),*],
            answer: |call| Box::pin($answer(call)),
        }),*];
    };
}

const NO: Option<Body> = None;
const SCHEMA: Option<Body> = Some(Body::Schema);
const CONFIG: Option<Body> = Some(Body::Config);
const MODE: Option<Body> = Some(Body::Mode);

operations! {
    "root.get" GET "/" [] NO => Anything [] contexts::root: "Says that the server is there";
    "subjects.list" GET "/subjects" ["subjectPrefix", "deleted", "deletedOnly", "offset", "limit"] NO => Names []
        subjects::list: "Lists subjects";
    "subjects.lookup" POST "/subjects/{subject}" ["normalize", "deleted"] SCHEMA => Version [40401, 40403, 42201]
        subjects::lookup: "Finds the version of a subject that is this schema";
    "subjects.delete" DELETE "/subjects/{subject}" ["permanent"] NO => Numbers [40401, 40404, 40405, 42205, 42206]
        subjects::delete: "Deletes a subject, softly or for good";
    "versions.list" GET "/subjects/{subject}/versions" ["deleted", "deletedOnly", "offset", "limit"] NO => Numbers [40401]
        versions::list: "Lists the versions of a subject";
    "versions.register" POST "/subjects/{subject}/versions" ["normalize", "force"] SCHEMA => Registered
        [40901, 42201, 42205, 42207, 42208, 42209, 42210] versions::register: "Registers a schema under a subject";
    "versions.get" GET "/subjects/{subject}/versions/{version}" ["deleted", "format"] NO => Version [40401, 40402, 42202]
        versions::get: "Gets a version of a subject";
    "versions.schema" GET "/subjects/{subject}/versions/{version}/schema" ["deleted", "format"] NO => RawSchema
        [40401, 40402, 42202] versions::schema: "Gets the schema alone of a version";
    "versions.delete" DELETE "/subjects/{subject}/versions/{version}" ["permanent"] NO => Number
        [40401, 40402, 40406, 40407, 42202, 42205, 42206] versions::delete: "Deletes a version, softly or for good";
    "versions.referencedby" GET "/subjects/{subject}/versions/{version}/referencedby" ["deleted", "offset", "limit"] NO
        => Numbers [40401, 40402, 42202] versions::referenced_by: "Lists the ids of the schemas that refer to a version";
    "schemas.list" GET "/schemas" ["subjectPrefix", "deleted", "latestOnly", "offset", "limit"] NO => Versions []
        schemas::list: "Lists versions with their schemas";
    "schemas.types" GET "/schemas/types" [] NO => Names [] schemas::types: "Lists the types of schemas";
    "schemas.get" GET "/schemas/ids/{id}" ["subject", "fetchMaxId", "format"] NO => Schema [40403]
        schemas::get: "Gets the schema of an id";
    "schemas.schema" GET "/schemas/ids/{id}/schema" ["subject", "format"] NO => RawSchema [40403]
        schemas::schema: "Gets the schema alone of an id";
    "schemas.subjects" GET "/schemas/ids/{id}/subjects" ["subject", "deleted", "offset", "limit"] NO => Names [40403]
        schemas::subjects: "Lists the subjects that use an id";
    "schemas.versions" GET "/schemas/ids/{id}/versions" ["subject", "deleted", "offset", "limit"] NO => SubjectVersions
        [40403] schemas::versions: "Lists the versions that use an id";
    "schemas.by-guid" GET "/schemas/guids/{guid}" [] NO => Schema [40403] schemas::by_guid: "Gets the schema of a GUID";
    "schemas.ids-of-guid" GET "/schemas/guids/{guid}/ids" [] NO => ContextIds [] schemas::ids_of_guid:
        "Lists the ids of a GUID by context";
    "compatibility.all" POST "/compatibility/subjects/{subject}/versions" ["verbose", "normalize"] SCHEMA => Compatibility
        [42201] compatibility::with_all: "Says whether a schema could be registered under a subject";
    "compatibility.one" POST "/compatibility/subjects/{subject}/versions/{version}" ["verbose", "normalize"] SCHEMA
        => Compatibility [40402, 42201, 42202] compatibility::with_one: "Says whether a schema is compatible with a version";
    "config.get-global" GET "/config" ["defaultToGlobal"] NO => Config [] config::get: "Gets the global settings";
    "config.put-global" PUT "/config" [] CONFIG => ConfigEcho [42203, 42205] config::put: "Changes the global settings";
    "config.delete-global" DELETE "/config" [] NO => Config [42205] config::delete: "Takes the global settings back";
    "config.get" GET "/config/{subject}" ["defaultToGlobal"] NO => Config [40408] config::get:
        "Gets the settings of a subject or context";
    "config.put" PUT "/config/{subject}" [] CONFIG => ConfigEcho [42203, 42205, 42208] config::put:
        "Changes the settings of a subject or context";
    "config.delete" DELETE "/config/{subject}" [] NO => Config [40401, 42205] config::delete:
        "Takes the settings of a subject or context back";
    "mode.get-global" GET "/mode" ["defaultToGlobal"] NO => Mode [] mode::get: "Gets the global mode";
    "mode.put-global" PUT "/mode" ["force"] MODE => Mode [42204, 42205] mode::put: "Changes the global mode";
    "mode.delete-global" DELETE "/mode" ["recursive"] NO => Mode [] mode::delete: "Takes the global mode back";
    "mode.get" GET "/mode/{subject}" ["defaultToGlobal"] NO => Mode [40409] mode::get: "Gets the mode of a subject or context";
    "mode.put" PUT "/mode/{subject}" ["force"] MODE => Mode [42204, 42205, 42208] mode::put:
        "Changes the mode of a subject or context";
    "mode.delete" DELETE "/mode/{subject}" ["recursive"] NO => Mode [40401] mode::delete:
        "Takes the mode of a subject or context back";
    "contexts.list" GET "/contexts" ["contextPrefix", "offset", "limit"] NO => Names [] contexts::list: "Lists contexts";
    "contexts.delete" DELETE "/contexts/{context}" [] NO => Nothing [40401, 42211] contexts::delete:
        "Deletes a context without subjects";
    "metadata.id" GET "/v1/metadata/id" [] NO => Anything [] contexts::cluster: "Says which cluster this is";
    "metadata.version" GET "/v1/metadata/version" [] NO => Anything [] contexts::version: "Says which version this is";
    "associations.get" GET "/associations/resources/-/{topic}" [] NO => Anything [] contexts::associations:
        "Answers 404: there are no associations";
    "openapi.get" GET "/openapi.json" [] NO => Anything [] contexts::openapi: "Gets this document";
}
