/** The program under test: takes orders off one topic and confirms them on another. */
export async function confirmOrders(kafka) {
  const consumer = kafka.consumer({ groupId: 'confirmer', maxWaitTimeInMs: 100 });
  const producer = kafka.producer();
  await Promise.all([consumer.connect(), producer.connect()]);
  await consumer.subscribe({ topic: 'orders', fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const value = `confirmed ${message.value}`;
      await producer.send({ topic: 'confirmations', messages: [{ key: message.key, value }] });
    },
  });
  return async () => {
    await consumer.disconnect();
    await producer.disconnect();
  };
}
