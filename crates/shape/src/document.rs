/// A value of any form, where the model says `document`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Document {
    #[default]
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(String),
    List(Vec<Document>),
    Map(Vec<(String, Document)>),
}
