use super::lines::{Compression, Lines};
use super::*;
use crate::value::Attrs;

fn item(json: &str) -> Attrs {
    json::item(&format!("{{\"Item\":{json}}}")).unwrap()
}

const ITEM: &str = r#"{"p":{"S":"a \"b\" 'c' \\ \n é"},"n":{"N":"-1.5"},"i":{"N":"500"},"b":{"B":"AAEC"},"t":{"BOOL":true},"f":{"BOOL":false},
    "z":{"NULL":true},"l":{"L":[{"S":""},{"M":{"null":{"N":"1"},"a b":{"L":[]}}}]},"ss":{"SS":["x","y"]},"ns":{"NS":["1","2.5"]},"bs":{"BS":["AA==","AQ=="]}}"#;

#[test]
fn what_is_written_is_read() {
    let item = item(ITEM);
    let line = serde_json::json!({ "Item": json::of_item(&item) }).to_string();
    assert_eq!(json::item(&line).unwrap(), item);
    let mut text = format!("{}{{Item:", ion::VERSION);
    ion::write_item(&item, &mut text);
    text.push('}');
    assert_eq!(ion::item(&text).unwrap(), item, "{text}");
}

#[test]
fn ion_as_others_write_it() {
    let expected = item(
        r#"{"a":{"S":"x"},"n":{"N":"12.5"},"m":{"N":"1000"},"s":{"S":"sym"},"e":{"NULL":true},"l":{"L":[{"N":"1"}]}}"#,
    );
    for text in [
        "{Item:{a:\"x\",n:12.5,m:1d3,s:sym,e:null.string,l:[1]}}",
        "$ion_1_0 { 'Item' : { a : '''x''' , n : 1_2.5 , m : 1e3, s : 'sym', e: null, l: any::[ 1, ], } } // end",
        "$ion_1_0\n{Item:{/* c */a:\"\\x78\",n:12.50,m:1000.,s:'sym',e:null,l:[1.]}}\n",
    ] {
        assert_eq!(ion::item(text).unwrap(), expected, "{text}");
    }
    for text in [
        "",
        "{",
        "{Item:1}",
        "{Item:{a:}}",
        "{Item:{a:\"x}}",
        "{Item:{a:0x10}}",
        "{Item:{a:$dynamodb_SS::[1]}}",
        "{Item:{}} 1",
        "{{AA}}",
    ] {
        assert!(ion::item(text).is_err(), "{text}");
    }
    assert!(ion::item(&format!("{{Item:{{a:{}}}}}", "[".repeat(100_000))).is_err());
}

#[test]
fn fields_of_csv() {
    let fields = |line: &str| csv::fields(line, ',').unwrap();
    assert_eq!(fields("a,b,,d"), ["a", "b", "", "d"]);
    assert_eq!(fields("\"a,\"\"b\"\"\",c\"d"), ["a,\"b\"", "c\"d"]);
    assert!(csv::fields("\"a", ',').is_err());
    let header = ["p", "n", "x"].map(str::to_owned);
    let keys = [("p".to_owned(), "S".to_owned()), ("n".to_owned(), "N".to_owned())];
    let read = |line: &str| csv::item(line, ';', &header, &keys);
    assert_eq!(read("a;1;2").unwrap(), item(r#"{"p":{"S":"a"},"n":{"N":"1"},"x":{"S":"2"}}"#));
    assert_eq!(read("a;1;").unwrap(), item(r#"{"p":{"S":"a"},"n":{"N":"1"}}"#));
    assert!(read("a;x;2").is_err() && read("a;1;2;3").is_err());
}

#[test]
fn lines_of_any_file_come_to_an_end() {
    let long = vec![b'x'; 9 * 1024 * 1024];
    let mut lines = Lines::new(&long, Compression::None);
    assert!(lines.next().unwrap().is_err());
    let mut lines = Lines::new(b"a\r\nb\n\nc", Compression::None);
    let all: Vec<_> = std::iter::from_fn(|| lines.next()).map(|line| line.unwrap()).collect();
    assert_eq!(all, ["a", "b", "", "c"]);
    assert!(Lines::new(b"not gzip", Compression::Gzip).next().unwrap().is_err());
}
