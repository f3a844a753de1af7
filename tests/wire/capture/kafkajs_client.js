// What kafkajs can call: node kafkajs_client.js HOST:PORT
const { Kafka, CompressionTypes, logLevel } = require('kafkajs')

const kafka = new Kafka({ clientId: 'js', brokers: [process.argv[2]], logLevel: logLevel.NOTHING })
const topic = 'js', groupId = 'js-readers'

async function step(name, call) {
  try {
    return await call()
  } catch (error) { // what one version cannot do is passed over
    console.log(`${name}: ${error.name}: ${error.message}`)
  }
}
const sleep = (ms) => new Promise((done) => setTimeout(done, ms))

async function produceAndConsume() {
  const producer = kafka.producer()
  await producer.connect()
  await step('send', () => producer.send({ topic, compression: CompressionTypes.GZIP,
    messages: [{ key: 'a', value: 'one', headers: { h: 'x' } }, { key: 'b', value: null }] }))
  await producer.disconnect()
  const ours = kafka.producer({ transactionalId: 'js-transactions', maxInFlightRequests: 1, idempotent: true })
  await ours.connect()
  await step('transaction', async () => {
    const transaction = await ours.transaction()
    await transaction.send({ topic, messages: [{ value: 'in a transaction' }] })
    await transaction.sendOffsets({ consumerGroupId: groupId + '-2',
      topics: [{ topic, partitions: [{ partition: 0, offset: '1' }] }] })
    await transaction.commit()
  })
  await ours.disconnect()
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 300, rackId: 'hall-2' })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let seen = 0
  await consumer.run({ eachMessage: async () => { seen += 1 } })
  await sleep(3000)
  console.log(seen, 'consumed')
  await step('commit', () => consumer.commitOffsets([{ topic, partition: 0, offset: '1' }]))
  await consumer.disconnect()
}

async function main() {
  const admin = kafka.admin()
  await admin.connect()
  await step('create', () => admin.createTopics({ topics: [{ topic, numPartitions: 1,
    configEntries: [{ name: 'retention.ms', value: '100000' }] }] }))
  await sleep(500)
  await produceAndConsume()
  await step('groups', () => admin.listGroups())
  await step('describe groups', () => admin.describeGroups([groupId]))
  await step('offsets', () => admin.fetchOffsets({ groupId, topics: [topic] }))
  await step('set offsets', () => admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] }))
  await step('topic offsets', () => admin.fetchTopicOffsetsByTimestamp(topic, 1))
  await step('configs', () => admin.describeConfigs({ includeSynonyms: true,
    resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }] }))
  await step('alter configs', () => admin.alterConfigs({ resources: [{ type: 2, name: topic,
    configEntries: [{ name: 'retention.ms', value: '5000' }] }] }))
  await step('acls', () => admin.createAcls({ acl: [{ resourceType: 2, resourceName: topic, resourcePatternType: 3,
    principal: 'User:bob', host: '*', operation: 2, permissionType: 3 }] }))
  await step('describe acls', () => admin.describeAcls({ resourceType: 2, resourceName: topic, resourcePatternType: 3,
    operation: 1, permissionType: 1 }))
  await step('delete acls', () => admin.deleteAcls({ filters: [{ resourceType: 2, resourceName: topic,
    resourcePatternType: 3, operation: 1, permissionType: 1 }] }))
  await step('partitions', () => admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }))
  await step('delete records', () => admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] }))
  await step('reassign', () => admin.alterPartitionReassignments({ topics: [{ topic,
    partitionAssignment: [{ partition: 0, replicas: [1] }] }] }))
  await step('reassignments', () => admin.listPartitionReassignments({}))
  await step('delete groups', () => admin.deleteGroups([groupId]))
  await step('delete', () => admin.deleteTopics({ topics: [topic] }))
  await admin.disconnect()
  process.exit(0)
}
main()
