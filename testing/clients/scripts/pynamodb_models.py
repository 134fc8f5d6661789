"""DynamoDB by PynamoDB: models, indexes, conditions, transactions."""

import os

from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute, VersionAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError, UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite
from datetime import datetime, timezone

HOST = os.environ["AWS_ENDPOINT_URL"]


class ByForum(GlobalSecondaryIndex):
    class Meta:
        index_name = "by-forum"
        projection = AllProjection()

    forum = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class Thread(Model):
    class Meta:
        table_name = "threads"
        host = HOST
        region = "us-east-1"
        billing_mode = "PAY_PER_REQUEST"

    id = UnicodeAttribute(hash_key=True)
    forum = UnicodeAttribute()
    views = NumberAttribute(default=0)
    tags = ListAttribute(default=list)
    made = UTCDateTimeAttribute(default=lambda: datetime.now(timezone.utc))
    version = VersionAttribute()
    by_forum = ByForum()


Thread.create_table(wait=True)
assert Thread.exists()
with Thread.batch_write() as batch:
    for number in range(30):
        batch.save(Thread(f"t{number}", forum="rust" if number % 2 else "aws", views=number, tags=["x", number]))
thread = Thread.get("t7")
assert thread.views == 7 and thread.tags == ["x", 7]
thread.update(actions=[Thread.views.add(10), Thread.tags.set(Thread.tags.append(["y"]))], condition=Thread.views < 8)
assert thread.views == 17 and thread.tags[-1] == "y"
try:
    thread.update(actions=[Thread.views.set(0)], condition=Thread.views < 8)
    raise AssertionError("the condition does not hold")
except UpdateError as error:
    assert error.cause_response_code == "ConditionalCheckFailedException"
stale = Thread.get("t8")
Thread.get("t8").save()
try:
    stale.save()
    raise AssertionError("the version is an old one")
except PutError:
    pass
most = [thread.id for thread in Thread.by_forum.query("rust", ByForum.views > 20, scan_index_forward=False)]
assert most == ["t29", "t27", "t25", "t23", "t21"], most
assert Thread.count() == 30
assert len(list(Thread.scan(Thread.forum == "aws", page_size=4))) == 15
connection = Connection(region="us-east-1", host=HOST)
with TransactWrite(connection=connection) as transaction:
    transaction.delete(Thread.get("t1"))
    transaction.save(Thread("new", forum="rust"))
try:
    with TransactWrite(connection=connection) as transaction:
        transaction.save(Thread("other", forum="rust"))
        transaction.condition_check(Thread, "t2", condition=Thread.views == 99)
    raise AssertionError("the check does not hold")
except TransactWriteError:
    pass
for missing in ["t1", "other"]:
    try:
        Thread.get(missing)
        raise AssertionError(missing)
    except DoesNotExist:
        pass
Thread.delete_table()
print("dynamodb by pynamodb: ok")
