//! The Iceberg REST catalog of S3 Tables, at `/iceberg/v1/`: each of its operations is one of S3 Tables, or two, with the
//! permissions of those.
//!
//! Reading order: this file (which request is what), [`writes`] (new tables and commits), [`update`] (what a commit
//! changes), [`answers`] (what is said), and the operations beside this folder.
//!
//! Source: S3 User Guide, "Accessing tables using the Amazon S3 Tables Iceberg REST endpoint"; the Apache Iceberg REST catalog
//! specification.

mod answers;
mod update;
mod writes;

use std::sync::Arc;

use haneul_kit::{
    ApiError, BoxFuture, ByteStream, Cx, Extension, Handle, Operation, Principal, RequestHead, Result,
};
use haneul_s3tables_wire::operations as op;
use haneul_s3tables_wire::shapes as s;
use http::{Method, Response, response};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::json;

use self::answers::{Answer, Missing};
use super::{BucketName, PAGE_MAX};
use crate::S3;
use crate::error::tables as refusals;

const ROOT: &str = "/iceberg/v1/";

/// Bytes of a request's document.
const BODY_MAX: usize = 4 << 20;

/// Bytes of a metadata file that is given out: AWS's quota.
const METADATA_BYTES_MAX: usize = 50 << 20;

pub(crate) struct Catalog(pub(crate) Arc<S3>);

impl Extension for Catalog {
    fn unmodelled<'a>(
        &'a self,
        cx: &'a Cx,
        body: ByteStream,
    ) -> BoxFuture<'a, std::result::Result<Result<Response<ByteStream>>, ByteStream>> {
        Box::pin(async move {
            let Some(head) = cx.http() else { return Err(body) };
            let Some(rest) = head.uri.path().strip_prefix(ROOT) else { return Err(body) };
            if matches!(cx.caller().principal, Principal::Anonymous) {
                let missing =
                    ApiError::new("MissingAuthenticationTokenException", "Missing Authentication Token");
                return Ok(Ok(answers::refused(&missing.with_status(403), Missing::Namespace)));
            }
            let (missing, answer) = Box::pin(self.answer(cx, head, rest, body)).await;
            Ok(Ok(answer.unwrap_or_else(|refused| answers::refused(&refused, missing))))
        })
    }

    fn decorate<'a>(&'a self, _: &'a Cx, _: &'a mut response::Parts) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

#[derive(Deserialize)]
struct NewNamespace {
    namespace: Vec<String>,
}

#[derive(Deserialize)]
struct Rename {
    source: Identifier,
    destination: Identifier,
}

#[derive(Deserialize)]
struct Identifier {
    namespace: Vec<String>,
    name: String,
}

impl Catalog {
    /// What a path names, if that is what is missing in the end, and the answer.
    async fn answer(
        &self,
        cx: &Cx,
        head: &RequestHead,
        rest: &str,
        body: ByteStream,
    ) -> (Missing, Result<Answer>) {
        let decoded: Option<Vec<String>> = rest
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8().ok().map(std::borrow::Cow::into_owned))
            .collect();
        let parts = decoded.unwrap_or_default();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let method = &head.method;
        match (method, &parts[..]) {
            (&Method::GET, ["config"]) => (Missing::Namespace, self.config(cx, head).await),
            (&Method::GET, [lake, "namespaces"]) => {
                (Missing::Namespace, self.namespaces(cx, head, lake).await)
            }
            (&Method::POST, [lake, "namespaces"]) => {
                (Missing::Namespace, self.create_namespace(cx, lake, body).await)
            }
            (&Method::GET | &Method::HEAD, [lake, "namespaces", name]) => {
                (Missing::Namespace, self.namespace(cx, method, lake, name).await)
            }
            (&Method::DELETE, [lake, "namespaces", name]) => {
                let input = s::DeleteNamespaceRequest {
                    table_bucket_arn: (*lake).to_owned(),
                    namespace: (*name).to_owned(),
                };
                let done = self.call::<op::DeleteNamespace>(cx, input).await;
                (Missing::Namespace, done.map(|_| answers::nothing()))
            }
            (&Method::GET, [lake, "namespaces", name, "tables"]) => {
                (Missing::Namespace, self.tables(cx, head, lake, name).await)
            }
            (&Method::POST, [lake, "namespaces", name, "tables"]) => {
                (Missing::Namespace, self.create_table(cx, lake, name, body).await)
            }
            (&Method::POST, [lake, "namespaces", namespace, "tables", name]) => {
                (Missing::Table, self.commit(cx, lake, (namespace, name), body).await)
            }
            (&Method::GET, [lake, "namespaces", namespace, "tables", name]) => {
                (Missing::Table, self.load(cx, lake, namespace, name).await)
            }
            (&Method::HEAD, [lake, "namespaces", namespace, "tables", name]) => {
                let input = s::GetTableRequest {
                    table_bucket_arn: Some((*lake).to_owned()),
                    namespace: Some((*namespace).to_owned()),
                    name: Some((*name).to_owned()),
                    table_arn: None,
                };
                let done = self.call::<op::GetTable>(cx, input).await;
                (Missing::Table, done.map(|_| answers::nothing()))
            }
            (&Method::DELETE, [lake, "namespaces", namespace, "tables", name]) => {
                (Missing::Table, self.drop_table(cx, head, lake, namespace, name).await)
            }
            (&Method::POST, [lake, "tables", "rename"]) => {
                (Missing::Table, self.rename(cx, lake, body).await)
            }
            _ => {
                let message = format!("{method} {} is not implemented by Haneul.", head.uri.path());
                let refused = ApiError::new("UnsupportedOperationException", message).with_status(406);
                (Missing::Table, Err(refused))
            }
        }
    }

    /// An operation of S3 Tables, if the caller may.
    async fn call<O: Operation>(&self, cx: &Cx, input: O::Input) -> Result<O::Output>
    where
        S3: Handle<O>,
    {
        let accesses = Handle::<O>::access(&*self.0, cx, &input).await?;
        self.0.platform.authorize(cx, "s3tables", &accesses).await?;
        Handle::<O>::call(&*self.0, cx, input).await
    }

    /// The prefix of all other paths is the ARN of the table bucket.
    async fn config(&self, cx: &Cx, head: &RequestHead) -> Result<Answer> {
        let warehouse = query(head, "warehouse");
        let warehouse =
            warehouse.ok_or_else(|| refusals::bad_request("The parameter warehouse is required."))?;
        let input = s::GetTableBucketRequest { table_bucket_arn: warehouse };
        let bucket = self.call::<op::GetTableBucket>(cx, input).await?;
        Ok(answers::config(&bucket.arn))
    }

    async fn namespaces(&self, cx: &Cx, head: &RequestHead, lake: &str) -> Result<Answer> {
        let input = s::ListNamespacesRequest {
            table_bucket_arn: lake.to_owned(),
            continuation_token: query(head, "pageToken").filter(|token| !token.is_empty()),
            max_namespaces: Some(page_size(head)?),
            prefix: None,
        };
        let found = self.call::<op::ListNamespaces>(cx, input).await?;
        // Namespaces have one level: none has any inside.
        let inside = query(head, "parent").is_some_and(|parent| !parent.is_empty());
        let names = found.namespaces.into_iter().map(|one| json!(one.namespace)).filter(|_| !inside);
        let next = found.continuation_token.filter(|_| !inside);
        Ok(answers::page("namespaces", names.collect(), next))
    }

    async fn create_namespace(&self, cx: &Cx, lake: &str, body: ByteStream) -> Result<Answer> {
        let asked: NewNamespace = document(body).await?;
        let input =
            s::CreateNamespaceRequest { table_bucket_arn: lake.to_owned(), namespace: asked.namespace };
        let made = self.call::<op::CreateNamespace>(cx, input).await?;
        Ok(answers::document(&json!({ "namespace": made.namespace, "properties": {} })))
    }

    async fn namespace(&self, cx: &Cx, method: &Method, lake: &str, name: &str) -> Result<Answer> {
        let input = s::GetNamespaceRequest { table_bucket_arn: lake.to_owned(), namespace: name.to_owned() };
        let found = self.call::<op::GetNamespace>(cx, input).await?;
        Ok(match *method {
            Method::HEAD => answers::nothing(),
            _ => answers::document(&json!({ "namespace": found.namespace, "properties": {} })),
        })
    }

    async fn tables(&self, cx: &Cx, head: &RequestHead, lake: &str, namespace: &str) -> Result<Answer> {
        let input = s::ListTablesRequest {
            table_bucket_arn: lake.to_owned(),
            namespace: Some(namespace.to_owned()),
            continuation_token: query(head, "pageToken").filter(|token| !token.is_empty()),
            max_tables: Some(page_size(head)?),
            prefix: None,
        };
        let found = self.call::<op::ListTables>(cx, input).await?;
        let names =
            found.tables.into_iter().map(|table| json!({ "namespace": table.namespace, "name": table.name }));
        Ok(answers::page("identifiers", names.collect(), found.continuation_token))
    }

    /// The table's metadata, for which one must be allowed to read its files.
    async fn load(&self, cx: &Cx, lake: &str, namespace: &str, name: &str) -> Result<Answer> {
        let bucket = BucketName::parse(lake)?;
        let mut accesses = Vec::new();
        for action in ["s3tables:GetTableMetadataLocation", "s3tables:GetTableData"] {
            accesses.push(self.0.on_table(cx, &bucket, (namespace, name), action).await?);
        }
        self.0.platform.authorize(cx, "s3tables", &accesses).await?;
        self.given(cx, &bucket, namespace, name).await
    }

    /// Without `purgeRequested` the files would have to stay, which those of S3 Tables cannot.
    async fn drop_table(
        &self,
        cx: &Cx,
        head: &RequestHead,
        lake: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Answer> {
        if query(head, "purgeRequested").is_none_or(|purge| !purge.eq_ignore_ascii_case("true")) {
            return Err(refusals::bad_request("S3 Tables drops tables with purge enabled only."));
        }
        let input = s::DeleteTableRequest {
            table_bucket_arn: lake.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            version_token: None,
        };
        self.call::<op::DeleteTable>(cx, input).await.map(|_| answers::nothing())
    }

    async fn rename(&self, cx: &Cx, lake: &str, body: ByteStream) -> Result<Answer> {
        let Rename { source, destination } = document(body).await?;
        let ([from], [to]) = (&source.namespace[..], &destination.namespace[..]) else {
            return Err(refusals::bad_request("A namespace has one level."));
        };
        let input = s::RenameTableRequest {
            table_bucket_arn: lake.to_owned(),
            namespace: from.clone(),
            name: source.name,
            new_namespace_name: Some(to.clone()),
            new_name: Some(destination.name),
            version_token: None,
        };
        self.call::<op::RenameTable>(cx, input).await.map(|_| answers::nothing())
    }
}

/// A parameter of the query.
fn query(head: &RequestHead, name: &str) -> Option<String> {
    let pairs = head.uri.query().unwrap_or_default().split('&');
    let (_, value) = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
    let value = value.replace('+', " ");
    percent_decode_str(&value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn page_size(head: &RequestHead) -> Result<i32> {
    let Some(size) = query(head, "pageSize") else { return Ok(PAGE_MAX as i32) };
    let size = size.parse::<i32>().ok().filter(|size| *size > 0);
    let size = size.ok_or_else(|| refusals::bad_request("The parameter pageSize is not valid."))?;
    Ok(size.min(PAGE_MAX as i32))
}

async fn document<T: serde::de::DeserializeOwned>(body: ByteStream) -> Result<T> {
    let invalid = || refusals::bad_request("The document of the request is not valid.");
    let bytes = body.collect(BODY_MAX).await.map_err(|_| invalid())?;
    serde_json::from_slice(&bytes).map_err(|_| invalid())
}
