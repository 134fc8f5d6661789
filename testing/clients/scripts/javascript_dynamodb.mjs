// DynamoDB by the AWS SDK for JavaScript v3: the document client, paginators, waiters.
import assert from "node:assert/strict";
import * as ddb from "@aws-sdk/client-dynamodb";
import * as lib from "@aws-sdk/lib-dynamodb";

const client = new ddb.DynamoDBClient({ endpoint: process.env.AWS_ENDPOINT_URL });
const documents = lib.DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
const TableName = "documents";
await client.send(new ddb.CreateTableCommand({
  TableName, BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "owner", AttributeType: "S" }, { AttributeName: "at", AttributeType: "N" }],
  KeySchema: [{ AttributeName: "owner", KeyType: "HASH" }, { AttributeName: "at", KeyType: "RANGE" }],
}));
await ddb.waitUntilTableExists({ client, maxWaitTime: 30 }, { TableName });
for (let at = 0; at < 25; at++) {
  await documents.send(new lib.PutCommand({ TableName, Item: { owner: "me", at, tags: new Set(["a", "b"]), nested: { entries: [1, null, "x", true], bytes: Buffer.from([1, 2]) } } }));
}
const { Item } = await documents.send(new lib.GetCommand({ TableName, Key: { owner: "me", at: 3 } }));
assert.deepEqual(Item.nested.entries, [1, null, "x", true]);
assert.deepEqual([...Item.tags].sort(), ["a", "b"]);
assert.deepEqual(Buffer.from(Item.nested.bytes), Buffer.from([1, 2]));
let count = 0;
for await (const page of lib.paginateQuery({ client: documents, pageSize: 4 }, {
  TableName, KeyConditionExpression: "#o = :me AND #a BETWEEN :low AND :high",
  ExpressionAttributeNames: { "#o": "owner", "#a": "at" }, ExpressionAttributeValues: { ":me": "me", ":low": 5, ":high": 20 },
})) count += page.Items.length;
assert.equal(count, 16);
const updated = await documents.send(new lib.UpdateCommand({
  TableName, Key: { owner: "me", at: 3 }, UpdateExpression: "SET nested.entries[0] = nested.entries[0] + :n REMOVE tags",
  ExpressionAttributeValues: { ":n": 41 }, ReturnValues: "ALL_NEW",
}));
assert.equal(updated.Attributes.nested.entries[0], 42);
assert.equal(updated.Attributes.tags, undefined);
await assert.rejects(
  documents.send(new lib.TransactWriteCommand({ TransactItems: [
    { Put: { TableName, Item: { owner: "you", at: 1 } } },
    { Update: { TableName, Key: { owner: "me", at: 3 }, UpdateExpression: "SET x = :x", ConditionExpression: "attribute_exists(tags)", ExpressionAttributeValues: { ":x": 1 } } },
  ] })),
  (error) => error instanceof ddb.TransactionCanceledException && error.CancellationReasons[1].Code === "ConditionalCheckFailed",
);
await assert.rejects(
  documents.send(new lib.PutCommand({ TableName, Item: { owner: "me", at: "x" } })),
  (error) => error.name === "ValidationException" && error.message === "One or more parameter values were invalid: Type mismatch for key at expected: N actual: S",
);
const batch = await documents.send(new lib.BatchGetCommand({ RequestItems: { [TableName]: { Keys: [{ owner: "me", at: 1 }, { owner: "me", at: 2 }, { owner: "you", at: 1 }] } } }));
assert.equal(batch.Responses[TableName].length, 2);
await client.send(new ddb.DeleteTableCommand({ TableName }));
await ddb.waitUntilTableNotExists({ client, maxWaitTime: 30 }, { TableName });
console.log("dynamodb by javascript: ok");
