//! Properties of every entity that the API lists.

use testkit::Upload;

use crate::support::Bench;

#[tokio::test]
async fn the_template_of_every_listed_entity_can_be_uploaded_as_it_is() {
    let bench = Bench::start().await;
    let client = bench.client();
    let entities = client.data("/entities").await;
    let names: Vec<_> =
        entities.as_array().unwrap().iter().map(|entity| entity["type"].as_str().unwrap()).collect();
    assert_eq!(names, ["contact", "product", "order"]);
    for (entity, name) in entities.as_array().unwrap().iter().zip(names) {
        let template = client.get(entity["templateUrl"].as_str().unwrap()).await.text().await.unwrap();
        let columns: Vec<_> = entity["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| column["name"].as_str().unwrap())
            .collect();
        assert_eq!(template.lines().next().unwrap(), columns.join(","));
        for (action, code) in
            [("bulk_create", "created"), ("bulk_upsert", "updated"), ("bulk_delete", "deleted")]
        {
            let done = bench.run(&template, &Upload::new(name, action)).await;
            assert_eq!((done.counts(), done.code(1)), ((1, 0, 0), code), "{name} {action}");
        }
    }
}
