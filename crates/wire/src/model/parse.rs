use std::borrow::Cow;
use std::collections::HashMap;

use haneul_shape::{ServiceModel, ShapeId};

use super::shape::RareMember;
use super::{
    Bound, Constraints, Kind, ListDef, Location, MapDef, Member, Metadata, Model, OperationDef, Pattern,
    ShapeDef, StructureDef, UriPattern, XmlNamespace, patch,
};
use crate::json::lexer::{JsonError, Lexer, Token};
use crate::protocol::{Protocol, TimestampFormat};
use crate::validate::Family;

type Result<T> = std::result::Result<T, Error>;

#[derive(Debug)]
pub(super) struct Error(String);

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<JsonError> for Error {
    fn from(error: JsonError) -> Error {
        Error(format!("{error:?}"))
    }
}

pub(super) fn parse(service: &'static ServiceModel) -> Result<Model> {
    let mut parser =
        Parser { lexer: Lexer::of_str(service.json), ids: HashMap::new(), streaming: Vec::new() };
    // References point forward, so the names come first.
    let names = parser.shape_names()?;
    parser.ids = names.iter().enumerate().map(|(id, (name, _))| (*name, id as ShapeId)).collect();
    let mut metadata = Metadata::default();
    let mut operations = Vec::new();
    parser.lexer.seek(0);
    parser.object(|parser, key| match key {
        "metadata" => {
            metadata = parser.metadata()?;
            Ok(())
        }
        "operations" => parser.object(|parser, name| {
            operations.push(parser.operation(name)?);
            Ok(())
        }),
        _ => parser.skip(),
    })?;
    let mut shapes = Vec::with_capacity(names.len());
    for (name, position) in names {
        parser.lexer.seek(position);
        shapes.push(parser.shape(name)?);
    }
    for shape in &mut shapes {
        if let Kind::Structure(structure) = &mut shape.kind
            && let Some(payload) = structure.payload
        {
            let member = &mut structure.members[usize::from(payload)];
            member.streaming |= parser.streaming.contains(&member.shape);
        }
    }
    let mut model = Model {
        service,
        family: Family::of(service.name, &metadata),
        metadata,
        shapes: shapes.into(),
        operations: operations.into(),
        router: std::sync::OnceLock::new(),
    };
    patch::apply(&mut model);
    find_streams(&mut model);
    Ok(model)
}

fn find_streams(model: &mut Model) {
    let find = |id: Option<ShapeId>| {
        let structure = model.structure(id?);
        let position = structure.members.iter().enumerate().position(|(i, member)| {
            let is_payload = structure.payload == Some(i as u16);
            let target = &model.shape(member.shape).kind;
            (member.streaming && is_payload) || matches!(target, Kind::Structure(s) if s.event_stream)
        });
        position.map(|i| i as u16)
    };
    let streams: Vec<_> = model.operations.iter().map(|op| (find(op.input), find(op.output))).collect();
    for (operation, (input, output)) in model.operations.iter_mut().zip(streams) {
        (operation.input_stream, operation.output_stream) = (input, output);
    }
}

struct Parser {
    lexer: Lexer<'static>,
    ids: HashMap<&'static str, ShapeId>,
    /// Blobs that stream wherever they are the payload.
    streaming: Vec<ShapeId>,
}

impl Parser {
    fn shape_names(&mut self) -> Result<Vec<(&'static str, usize)>> {
        let mut names = Vec::new();
        self.object(|parser, key| {
            if key != "shapes" {
                return parser.skip();
            }
            parser.object(|parser, name| {
                names.push((name, parser.lexer.position()));
                parser.skip()
            })
        })?;
        Ok(names)
    }

    fn metadata(&mut self) -> Result<Metadata> {
        let mut m = Metadata::default();
        self.object(|parser, key| {
            match key {
                "apiVersion" => m.api_version = parser.text()?,
                "endpointPrefix" => m.endpoint_prefix = parser.text()?,
                "signingName" => m.signing_name = parser.text()?,
                "serviceId" => m.service_id = parser.text()?,
                "jsonVersion" => m.json_version = parser.text()?,
                "targetPrefix" => m.target_prefix = Some(parser.text()?),
                "xmlNamespace" => m.xml_namespace = Some(parser.text()?),
                "protocols" => {
                    m.protocols = parser.texts()?.iter().filter_map(|p| Protocol::named(p)).collect()
                }
                "awsQueryCompatible" => {
                    m.query_compatible = true;
                    parser.skip()?;
                }
                _ => parser.skip()?,
            }
            Ok(())
        })?;
        if m.signing_name.is_empty() {
            m.signing_name = m.endpoint_prefix;
        }
        Ok(m)
    }

    fn operation(&mut self, name: &'static str) -> Result<OperationDef> {
        let mut op = OperationDef {
            name,
            method: "POST",
            uri: UriPattern::default(),
            status: 200,
            input: None,
            output: None,
            input_name: None,
            input_namespace: None,
            output_root: None,
            bare_output: false,
            errors: Box::default(),
            host_prefix: None,
            idempotent: false,
            read_only: false,
            unsigned: false,
            checksum_required: false,
            input_stream: None,
            output_stream: None,
        };
        self.object(|parser, key| {
            match key {
                "http" => parser.object(|parser, key| {
                    match key {
                        "method" => op.method = parser.text()?,
                        "requestUri" => op.uri = UriPattern::parse(parser.text()?),
                        "responseCode" => op.status = parser.number()?.value as u16,
                        _ => parser.skip()?,
                    }
                    Ok(())
                })?,
                "input" => parser.object(|parser, key| {
                    match key {
                        "shape" => op.input = Some(parser.id()?),
                        "locationName" => op.input_name = Some(parser.text()?),
                        "xmlNamespace" => op.input_namespace = Some(parser.namespace()?),
                        _ => parser.skip()?,
                    }
                    Ok(())
                })?,
                "output" => op.output = Some(parser.reference()?),
                "errors" => {
                    let mut errors = Vec::new();
                    parser.array(|parser| {
                        errors.push(parser.reference()?);
                        Ok(())
                    })?;
                    op.errors = errors.into();
                }
                "endpoint" => parser.object(|parser, key| {
                    match key {
                        "hostPrefix" => op.host_prefix = Some(parser.text()?),
                        _ => parser.skip()?,
                    }
                    Ok(())
                })?,
                "idempotent" => op.idempotent = parser.flag()?,
                "readonly" => op.read_only = parser.flag()?,
                "authtype" => op.unsigned = parser.text()? == "none",
                "httpChecksumRequired" => op.checksum_required = parser.flag()?,
                "httpChecksum" => parser.object(|parser, key| {
                    match key {
                        "requestChecksumRequired" => op.checksum_required = parser.flag()?,
                        _ => parser.skip()?,
                    }
                    Ok(())
                })?,
                _ => parser.skip()?,
            }
            Ok(())
        })?;
        Ok(op)
    }

    fn shape(&mut self, name: &'static str) -> Result<ShapeDef> {
        let mut ty = "structure";
        let mut s = StructureDef::default();
        let mut constraints = Constraints::default();
        let (mut required, mut payload) = (Vec::new(), None);
        let (mut element, mut key, mut value) = (None, None, None);
        let (mut flattened, mut sensitive, mut document, mut timestamp) = (false, false, false, None);
        self.object(|parser, field| {
            match field {
                "type" => ty = parser.text()?,
                "members" => s.members = parser.members()?,
                "required" => required = parser.texts()?,
                "payload" => payload = Some(parser.text()?),
                "union" => s.union = parser.flag()?,
                "eventstream" => s.event_stream = parser.flag()?,
                "document" => document = parser.flag()?,
                "locationName" => s.xml_name = Some(parser.text()?),
                "xmlNamespace" => s.xml_namespace = Some(parser.namespace()?),
                "exception" => {
                    s.error.get_or_insert_default();
                    parser.skip()?;
                }
                "fault" => s.error.get_or_insert_default().fault = parser.flag()?,
                "error" => {
                    let error = s.error.get_or_insert_default();
                    parser.object(|parser, key| {
                        match key {
                            "code" => error.code = Some(parser.text()?),
                            "httpStatusCode" => error.status = Some(parser.number()?.value as u16),
                            "senderFault" => error.sender_fault = parser.flag()?,
                            "fault" => error.fault = parser.flag()?,
                            _ => parser.skip()?,
                        }
                        Ok(())
                    })?;
                }
                "member" => element = Some(parser.element()?),
                "key" => key = Some(parser.element()?),
                "value" => value = Some(parser.element()?),
                "flattened" => flattened = parser.flag()?,
                "streaming" => {
                    if parser.flag()? {
                        let id = parser.ids.get(name).copied();
                        parser.streaming.extend(id);
                    }
                }
                "sensitive" => sensitive = parser.flag()?,
                "timestampFormat" => timestamp = parser.timestamp()?,
                "min" => constraints.min = Some(parser.number()?),
                "max" => constraints.max = Some(parser.number()?),
                "pattern" => constraints.pattern = Some(Pattern::new(&parser.any_text()?)),
                "enum" => constraints.values = parser.texts()?.into(),
                _ => parser.skip()?,
            }
            Ok(())
        })?;
        let none = || Error(format!("{name}: a list or map without members"));
        let kind = match ty {
            "boolean" => Kind::Boolean,
            "integer" => Kind::Integer,
            "long" => Kind::Long,
            "float" => Kind::Float,
            "double" => Kind::Double,
            "blob" => Kind::Blob,
            "timestamp" => Kind::Timestamp(timestamp),
            "list" => {
                let (member, wire_name) = element.ok_or_else(none)?;
                Kind::List(ListDef { member, wire_name, flattened })
            }
            "map" => {
                let ((key, key_name), (value, value_name)) = key.zip(value).ok_or_else(none)?;
                let (key_name, value_name) = (key_name.unwrap_or("key"), value_name.unwrap_or("value"));
                Kind::Map(Box::new(MapDef { key, value, key_name, value_name, flattened }))
            }
            "structure" if document => Kind::Document,
            "structure" => {
                for member in &mut s.members {
                    member.required = required.contains(&member.name);
                }
                s.payload = payload.and_then(|name| s.member(name)).map(|(i, _)| i as u16);
                s.bound = s.members.iter().any(|member| member.location != Location::Body);
                Kind::Structure(Box::new(s))
            }
            _ => Kind::String,
        };
        let constrained = constraints.min.is_some()
            || constraints.max.is_some()
            || constraints.pattern.is_some()
            || !constraints.values.is_empty();
        Ok(ShapeDef { name, kind, constraints: constrained.then(|| Box::new(constraints)), sensitive })
    }

    /// `[["Name", {…}], …]`
    fn members(&mut self) -> Result<Box<[Member]>> {
        let mut members = Vec::new();
        self.array(|parser| {
            let mut name = "";
            parser.array(|parser| {
                match name {
                    "" => name = parser.text()?,
                    name => members.push(parser.member(name)?),
                }
                Ok(())
            })
        })?;
        Ok(members.into())
    }

    fn member(&mut self, name: &'static str) -> Result<Member> {
        let mut m = Member {
            name,
            wire_name: name,
            shape: 0,
            location: Location::Body,
            required: false,
            flattened: false,
            xml_attribute: false,
            streaming: false,
            host_label: false,
            event_payload: false,
            idempotency_token: false,
            timestamp: None,
            rare: None,
        };
        let mut rare = RareMember::default();
        self.object(|parser, key| {
            match key {
                "shape" => m.shape = parser.id()?,
                "locationName" => m.wire_name = parser.text()?,
                "location" => {
                    m.location = match parser.text()? {
                        "uri" => Location::Uri,
                        "querystring" => Location::Query,
                        "header" => Location::Header,
                        "headers" => Location::Headers,
                        "statusCode" => Location::StatusCode,
                        _ => Location::Body,
                    }
                }
                "flattened" => m.flattened = parser.flag()?,
                "xmlAttribute" => m.xml_attribute = parser.flag()?,
                "streaming" => m.streaming = parser.flag()?,
                "hostLabel" => m.host_label = parser.flag()?,
                "eventpayload" => m.event_payload = parser.flag()?,
                "idempotencyToken" => m.idempotency_token = parser.flag()?,
                "timestampFormat" => m.timestamp = parser.timestamp()?,
                "queryName" => rare.query_name = Some(parser.text()?),
                "xmlNamespace" => rare.xml_namespace = Some(parser.namespace()?),
                _ => parser.skip()?,
            }
            Ok(())
        })?;
        if rare.query_name.is_some() || rare.xml_namespace.is_some() {
            m.rare = Some(Box::new(rare));
        }
        Ok(m)
    }

    /// The target and wire name of a list's member, or a map's key or value.
    fn element(&mut self) -> Result<(ShapeId, Option<&'static str>)> {
        let (mut id, mut name) = (None, None);
        self.object(|parser, key| {
            match key {
                "shape" => id = Some(parser.id()?),
                "locationName" => name = Some(parser.text()?),
                _ => parser.skip()?,
            }
            Ok(())
        })?;
        Ok((id.ok_or_else(|| Error("a reference without a shape".into()))?, name))
    }

    fn reference(&mut self) -> Result<ShapeId> {
        self.element().map(|(id, _)| id)
    }

    fn id(&mut self) -> Result<ShapeId> {
        let name = self.text()?;
        self.ids.get(name).copied().ok_or_else(|| Error(format!("no shape {name}")))
    }

    fn timestamp(&mut self) -> Result<Option<TimestampFormat>> {
        Ok(match self.text()? {
            "iso8601" => Some(TimestampFormat::Iso8601),
            "rfc822" => Some(TimestampFormat::HttpDate),
            "unixTimestamp" => Some(TimestampFormat::EpochSeconds),
            _ => None,
        })
    }

    /// `{"uri": "…", "prefix": "…"}`
    fn namespace(&mut self) -> Result<XmlNamespace> {
        let mut namespace = XmlNamespace { uri: "", prefix: None };
        match self.lexer.value()? {
            Token::String(Cow::Borrowed(uri)) => namespace.uri = uri,
            Token::Object => {
                let mut first = true;
                while let Some(key) = self.lexer.key(&mut first)? {
                    match &*key {
                        "uri" => namespace.uri = self.text()?,
                        "prefix" => namespace.prefix = Some(self.text()?),
                        _ => self.skip()?,
                    }
                }
            }
            other => return Err(Error(format!("{other:?} is no namespace"))),
        }
        Ok(namespace)
    }

    fn number(&mut self) -> Result<Bound> {
        match self.lexer.value()? {
            Token::Number(text) => Ok(Bound { value: text.parse().unwrap_or_default(), text }),
            other => Err(Error(format!("{other:?} is no number"))),
        }
    }

    fn flag(&mut self) -> Result<bool> {
        match self.lexer.value()? {
            Token::Bool(flag) => Ok(flag),
            other => Err(Error(format!("{other:?} is no flag"))),
        }
    }

    fn text(&mut self) -> Result<&'static str> {
        match self.any_text()? {
            Cow::Borrowed(text) => Ok(text),
            // Names have no escapes; the few enumeration values that do are leaked once.
            Cow::Owned(text) => Ok(text.leak()),
        }
    }

    fn any_text(&mut self) -> Result<Cow<'static, str>> {
        match self.lexer.value()? {
            Token::String(text) => Ok(text),
            other => Err(Error(format!("{other:?} is no text"))),
        }
    }

    fn texts(&mut self) -> Result<Vec<&'static str>> {
        let mut texts = Vec::new();
        self.array(|parser| {
            texts.push(parser.text()?);
            Ok(())
        })?;
        Ok(texts)
    }

    fn skip(&mut self) -> Result<()> {
        Ok(self.lexer.skip()?)
    }

    fn object(&mut self, mut each: impl FnMut(&mut Self, &'static str) -> Result<()>) -> Result<()> {
        if self.lexer.value()? != Token::Object {
            return Err(Error("not an object".into()));
        }
        let mut first = true;
        while let Some(key) = self.lexer.key(&mut first)? {
            let key = match key {
                Cow::Borrowed(key) => key,
                Cow::Owned(key) => key.leak(),
            };
            each(self, key)?;
        }
        Ok(())
    }

    fn array(&mut self, mut each: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        if self.lexer.value()? != Token::Array {
            return Err(Error("not an array".into()));
        }
        let mut first = true;
        while self.lexer.element(&mut first)? {
            each(self)?;
        }
        Ok(())
    }
}
