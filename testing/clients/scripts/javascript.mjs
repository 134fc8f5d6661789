// The AWS SDK for JavaScript v3: S3 with streams and multipart, SQS, STS.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import http from "node:http";
import * as s3 from "@aws-sdk/client-s3";
import * as sqs from "@aws-sdk/client-sqs";
import * as sts from "@aws-sdk/client-sts";

// Virtual-host style asks for bucket.localhost, which not every resolver answers with loopback.
const requestHandler = { httpAgent: new http.Agent({ lookup: (_host, options, found) =>
  options.all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4) }) };
const endpoint = process.env.AWS_ENDPOINT_URL;
const bucket = "javascript";
for (const forcePathStyle of [true, false]) {
  const url = forcePathStyle ? endpoint : endpoint.replace("127.0.0.1", "localhost");
  const client = new s3.S3Client({ endpoint: url, forcePathStyle, requestHandler });
  await client.send(new s3.CreateBucketCommand({ Bucket: bucket }));
  const body = randomBytes(300_000);
  await client.send(new s3.PutObjectCommand({ Bucket: bucket, Key: "a/b c+d", Body: body, Metadata: { who: "me" } }));
  const got = await client.send(new s3.GetObjectCommand({ Bucket: bucket, Key: "a/b c+d" }));
  assert.deepEqual(Buffer.from(await got.Body.transformToByteArray()), body);
  assert.equal(got.Metadata.who, "me");
  const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand({ Bucket: bucket, Key: "big" }));
  const parts = [];
  for (const PartNumber of [1, 2]) {
    const part = new s3.UploadPartCommand({ Bucket: bucket, Key: "big", UploadId, PartNumber, Body: Buffer.alloc(5 * 1024 * 1024, PartNumber) });
    parts.push({ PartNumber, ETag: (await client.send(part)).ETag });
  }
  await client.send(new s3.CompleteMultipartUploadCommand({ Bucket: bucket, Key: "big", UploadId, MultipartUpload: { Parts: parts } }));
  const head = await client.send(new s3.HeadObjectCommand({ Bucket: bucket, Key: "big" }));
  assert.equal(head.ContentLength, 10 * 1024 * 1024);
  await assert.rejects(client.send(new s3.GetObjectCommand({ Bucket: bucket, Key: "none" })), { name: "NoSuchKey" });
  const listed = await client.send(new s3.ListObjectsV2Command({ Bucket: bucket }));
  await client.send(new s3.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: listed.Contents.map(({ Key }) => ({ Key })) } }));
  await client.send(new s3.DeleteBucketCommand({ Bucket: bucket }));
}

const queues = new sqs.SQSClient({ endpoint });
const { QueueUrl } = await queues.send(new sqs.CreateQueueCommand({ QueueName: "javascript" }));
await queues.send(new sqs.SendMessageCommand({ QueueUrl, MessageBody: "안녕" }));
const { Messages } = await queues.send(new sqs.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
assert.equal(Messages[0].Body, "안녕");
await queues.send(new sqs.DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages[0].ReceiptHandle }));
await assert.rejects(queues.send(new sqs.GetQueueUrlCommand({ QueueName: "none" })), { name: "QueueDoesNotExist" });

const identity = await new sts.STSClient({ endpoint }).send(new sts.GetCallerIdentityCommand({}));
assert.equal(identity.Account, "000000000000");
console.log("javascript: ok");
