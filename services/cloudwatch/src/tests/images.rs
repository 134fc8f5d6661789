use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;

use super::cloud::Cloud;

#[tokio::test]
async fn a_widget_becomes_a_picture_with_its_curve() {
    let cloud = Cloud::new().await;
    let start = cloud.minute() - 3600;
    for i in 0..60 {
        cloud.put("load", start + i * 60, (i % 10) as f64).await;
    }
    let draw = |text: &str| s::GetMetricWidgetImageInput { metric_widget: text.into(), output_format: None };
    let widget = r##"{"title":"Load","width":400,"height":200,"start":"-PT1H","period":60,"metrics":[["Test","load",{"color":"#ff0000"}],[{"expression":"5+0*haneul0"}]]}"##;
    let image = cloud.ok::<op::GetMetricWidgetImage>(draw(widget)).await.metric_widget_image.unwrap();
    let decoder = png::Decoder::new(std::io::Cursor::new(&image[..]));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (400, 200));
    let red = pixels.chunks(4).filter(|pixel| pixel[0] > 200 && pixel[1] < 80 && pixel[2] < 80).count();
    let dark = pixels.chunks(4).filter(|pixel| pixel[0] < 60 && pixel[1] < 60 && pixel[2] < 60).count();
    assert!(red > 200 && dark > 20, "{red} {dark}");
    let bad = cloud.err::<op::GetMetricWidgetImage>(draw("{}")).await;
    assert!(bad.starts_with("ValidationException: metrics must have"), "{bad}");
    let missing =
        cloud.err::<op::GetMetricWidgetImage>(draw(r#"{"metrics":[[{"expression":"nope"}]]}"#)).await;
    assert!(missing.contains("Unresolved identifier"), "{missing}");
}
