"""Where alerts arrive: an SNS topic with an SQS queue that is subscribed to it."""

import boto3


class Inbox:
    """An SNS topic, and the SQS queue that is subscribed to it."""

    def __init__(self) -> None:
        self.topic = boto3.client("sns").create_topic(Name="mlb-alerts")["TopicArn"]
        self._sqs = boto3.client("sqs")
        self._queue = self._sqs.create_queue(QueueName="on-call")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        boto3.client("sns").subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"]
        )

    def read(self) -> list[str]:
        """The messages that have arrived, each as SNS wraps it (JSON); they are gone afterwards."""
        found = []
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                found.append(message["Body"])
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return found
