package main

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func transactionTests() []test {
	return []test{{"idempotent_producer", idempotent}, {"transactions_committed_and_aborted", commitAndAbort},
		{"consume_transform_produce", copyInTransactions}, {"zombie_is_fenced", zombie}}
}

func committedOnly() kgo.Opt { return kgo.FetchIsolationLevel(kgo.ReadCommitted()) }

func expectSorted(ctx context.Context, topic string, expected []string, options ...kgo.Opt) error {
	records, err := readAll(ctx, topic, options...)
	if err != nil {
		return err
	}
	sort.Slice(records, func(i, j int) bool { return string(records[i].Value) < string(records[j].Value) })
	expected = append([]string{}, expected...)
	sort.Strings(expected)
	return expectValues(records, expected)
}

func idempotent(ctx context.Context) error {
	topic, err := createTopic(ctx, "idempotent", 3, nil)
	if err != nil {
		return err
	}
	if err := produce(ctx, topic, numbered(3000, "v"), kgo.ProducerBatchMaxBytes(2000)); err != nil {
		return err
	}
	return expectSorted(ctx, topic, numbered(3000, "v"))
}

func commitAndAbort(ctx context.Context) error {
	topic, err := createTopic(ctx, "commit-and-abort", 3, nil)
	if err != nil {
		return err
	}
	c, err := client(kgo.TransactionalID(name("commit-and-abort")))
	if err != nil {
		return err
	}
	defer c.Close()
	var kept, all []string
	for i := range 8 {
		texts := numbered(20, fmt.Sprintf("round %d ", i))
		if err := c.BeginTransaction(); err != nil {
			return err
		}
		if err := send(ctx, c, topic, texts); err != nil {
			return err
		}
		if err := c.EndTransaction(ctx, kgo.TransactionEndTry(i%2 == 0)); err != nil {
			return err
		}
		all = append(all, texts...)
		if i%2 == 0 {
			kept = append(kept, texts...)
		}
	}
	return errors.Join(expectSorted(ctx, topic, kept, committedOnly()), expectSorted(ctx, topic, all))
}

func copyInTransactions(ctx context.Context) error {
	from, err := createTopic(ctx, "copy-from", 2, nil)
	if err != nil {
		return err
	}
	to, err := createTopic(ctx, "copy-to", 2, nil)
	if err != nil {
		return err
	}
	if err := produce(ctx, from, numbered(300, "v")); err != nil {
		return err
	}
	session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(bootstrap()), kgo.TransactionalID(name("copy")), committedOnly(),
		kgo.ConsumerGroup(name("copy")), kgo.ConsumeTopics(from), kgo.RequireStableFetchOffsets(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer session.Close()
	for copied, round := 0, 0; copied < 300; round++ {
		records := session.Client().PollRecords(ctx, 25).Records()
		if ctx.Err() != nil {
			return fmt.Errorf("expected 300 records to be copied, got %d", copied)
		}
		if len(records) == 0 {
			continue
		}
		if err := session.Begin(); err != nil {
			return err
		}
		for _, record := range records {
			session.Produce(ctx, &kgo.Record{Topic: to, Key: record.Key, Value: record.Value}, nil)
		}
		committed, err := session.End(ctx, kgo.TransactionEndTry(round%3 != 1))
		if err != nil {
			return err
		}
		if committed {
			copied += len(records)
		}
	}
	return expectSorted(ctx, to, numbered(300, "v"), committedOnly())
}

func zombie(ctx context.Context) error {
	topic, err := createTopic(ctx, "zombie", 1, nil)
	if err != nil {
		return err
	}
	transact := func(c *kgo.Client, stem string) error {
		if err := c.BeginTransaction(); err != nil {
			return err
		}
		return send(ctx, c, topic, numbered(5, stem))
	}
	old, err := client(kgo.TransactionalID(name("zombie")))
	if err != nil {
		return err
	}
	defer old.Close()
	if err := transact(old, "zombie "); err != nil {
		return err
	}
	successor, err := client(kgo.TransactionalID(name("zombie")))
	if err != nil {
		return err
	}
	defer successor.Close()
	if err := transact(successor, "successor "); err != nil {
		return err
	}
	if err := successor.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return err
	}
	err = old.EndTransaction(ctx, kgo.TryCommit)
	if !errors.Is(err, kerr.ProducerFenced) && !errors.Is(err, kerr.InvalidProducerEpoch) {
		return fmt.Errorf("expected the zombie to be fenced, got %v", err)
	}
	return expectSorted(ctx, topic, numbered(5, "successor "), committedOnly())
}
