//! A service's model as data: what the codecs, the router and the validation read.
//!
//! It is made from `model.json` when the service is first called, and kept small: names point into the JSON text, which
//! is part of the program, and rare facts are boxed.

mod constraints;
mod metadata;
mod operation;
mod parse;
mod patch;
mod shape;
mod uri;

use std::any::Any;
use std::sync::{Arc, OnceLock};

use haneul_shape::{ServiceModel, ShapeId};

pub use constraints::{Bound, Constraints, Pattern};
pub use metadata::Metadata;
pub use operation::OperationDef;
pub use shape::{ErrorDef, Kind, ListDef, Location, MapDef, Member, ShapeDef, StructureDef, XmlNamespace};
pub use uri::{Segment, UriPattern};

use crate::rest::route::Router;
use crate::validate::Family;

pub struct Model {
    pub service: &'static ServiceModel,
    pub metadata: Metadata,
    /// By [`ShapeId`], which is the order of their names.
    pub shapes: Box<[ShapeDef]>,
    /// In the order of their names.
    pub operations: Box<[OperationDef]>,
    /// Whose messages a refused request gets.
    pub family: Family,
    pub(crate) router: OnceLock<Router>,
}

/// The model of a service, parsed when first asked for.
///
/// # Panics
/// When `model.json` is not what `cargo xtask codegen` writes: the program is then broken, whatever the request.
pub fn model(service: &'static ServiceModel) -> &'static Model {
    let parsed = service.parsed.get_or_init(|| {
        let model =
            parse::parse(service).unwrap_or_else(|error| panic!("model of {}: {error}", service.name));
        Arc::new(model) as Arc<dyn Any + Send + Sync>
    });
    (**parsed).downcast_ref().expect("only this crate fills the slot")
}

impl Model {
    /// Whether the values of an enumeration are the operations' matter, which refuse others in words of their own.
    pub(crate) fn is_left_to_operations(&self, id: ShapeId) -> bool {
        let named = (self.service.name, self.shape(id).name);
        matches!(named, ("cloudwatch", "StandardUnit") | ("lambda", "Runtime"))
    }

    /// # Panics
    /// When there is no such shape; ids come from generated code of the same model.
    pub fn shape(&self, id: ShapeId) -> &ShapeDef {
        &self.shapes[usize::from(id)]
    }

    /// The structure of that id; [`haneul_shape::Empty`] is one without members.
    pub fn structure(&self, id: ShapeId) -> &StructureDef {
        match self.shapes.get(usize::from(id)).map(|shape| &shape.kind) {
            Some(Kind::Structure(structure)) => structure,
            _ => StructureDef::empty(),
        }
    }

    pub fn shape_named(&self, name: &str) -> Option<(ShapeId, &ShapeDef)> {
        let id = self.shapes.binary_search_by(|shape| shape.name.cmp(name)).ok()?;
        Some((id as ShapeId, &self.shapes[id]))
    }

    pub fn operation(&self, name: &str) -> Option<&OperationDef> {
        let i = self.operations.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
        Some(&self.operations[i])
    }

    /// An error by the name of its shape or by the code that the query protocol has for it.
    pub fn error(&self, code: &str) -> Option<(&ShapeDef, &ErrorDef)> {
        let by_name = self.shape_named(code).and_then(|(_, shape)| Some((shape, shape.error()?)));
        by_name.or_else(|| {
            self.shapes
                .iter()
                .filter_map(|shape| Some((shape, shape.error()?)))
                .find(|(_, error)| error.code == Some(code))
        })
    }
}
