"""Does a server keep put-if-absent when many create the same key at once? Usage: race.py [ROUNDS]; AWS_* from the environment.

Prints one line: for PutObject and CompleteMultipartUpload, rounds with exactly one winner, or the most winners seen.
Exit status 0 when every round had exactly one winner whose bytes are what is stored, 1 otherwise. Needs boto3.
"""
import os
import sys
import threading
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CREATORS = 16
BUCKET = os.environ["PQR_STACK_BUCKET"]
s3 = boto3.client("s3", config=Config(max_pool_connections=CREATORS, retries={"total_max_attempts": 1}, read_timeout=60,
                                      s3={"addressing_style": "path"}, proxies={}))


def put(key, body, gate):
    gate.wait()
    s3.put_object(Bucket=BUCKET, Key=key, Body=body, IfNoneMatch="*")


def complete(key, body, gate):
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=body)
    gate.wait()
    try:
        s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, IfNoneMatch="*",
                                     MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    except ClientError:
        s3.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload)
        raise


def one_round(create):
    """Number of winners, the statuses of the losers, and whether the stored bytes are a winner's."""
    key, gate, lock = f"race/{uuid.uuid4()}", threading.Barrier(CREATORS), threading.Lock()
    winners, losers = [], []

    def creator(number):
        body = f"creator {number} ".encode() * 4096
        try:
            create(key, body, gate)
            with lock:
                winners.append(body)
        except ClientError as error:
            with lock:
                losers.append(error.response["ResponseMetadata"]["HTTPStatusCode"])
        except Exception as error:  # a dropped connection and the like: neither won nor lost
            gate.abort()
            with lock:
                losers.append(type(error).__name__)

    threads = [threading.Thread(target=creator, args=(n,)) for n in range(CREATORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        stored = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() if winners else None
    except Exception as error:  # some servers store the bytes of one creator and the checksum of another
        stored = type(error).__name__
    s3.delete_object(Bucket=BUCKET, Key=key)
    return len(winners), set(losers), stored in winners


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    good = True
    for create in (put, complete):
        results = [one_round(create) for _ in range(rounds)]
        most = max(winners for winners, _, _ in results)
        single = sum(winners == 1 and stored for winners, _, stored in results)
        statuses = set().union(*(losers for _, losers, _ in results))
        print(f"{create.__name__}: {single} of {rounds} rounds with one winner, most winners {most}, losers got {sorted(map(str, statuses))}")
        good = good and single == rounds
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
