package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const groupPartitions = 6

func groupTests() []test {
	return []test{
		{"group_rebalance_under_load_cooperative", func(ctx context.Context) error { return rebalance(ctx, "cooperative", kgo.CooperativeStickyBalancer()) }},
		{"group_rebalance_under_load_range", func(ctx context.Context) error { return rebalance(ctx, "range", kgo.RangeBalancer()) }},
	}
}

// seen is what all members of a group have read.
type seen struct {
	mutex  sync.Mutex
	values map[string]bool
	byName map[string]int
}

func (s *seen) add(member string, values []string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, value := range values {
		s.values[value] = true
	}
	s.byName[member] += len(values)
}

func (s *seen) count(member string) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.byName[member]
}

func (s *seen) distinct() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.values)
}

type member struct {
	cancel context.CancelFunc
	done   chan error
}

// join starts a member that reads and commits until leave is called.
func join(ctx context.Context, group, topic, as string, balancer kgo.GroupBalancer, all *seen) (*member, error) {
	c, err := client(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.Balancers(balancer), kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(), kgo.HeartbeatInterval(300*time.Millisecond), kgo.SessionTimeout(10*time.Second),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	own, cancel := context.WithCancel(ctx)
	one := &member{cancel, make(chan error, 1)}
	go func() {
		defer c.Close()
		for own.Err() == nil {
			fetches := c.PollRecords(own, 200)
			var values []string
			fetches.EachRecord(func(record *kgo.Record) { values = append(values, string(record.Value)) })
			all.add(as, values)
			// Refused when the group has moved on: the next owner reads those records again.
			_ = c.CommitUncommittedOffsets(ctx)
			c.AllowRebalance()
		}
		one.done <- nil
	}()
	return one, nil
}

func (m *member) leave() { m.cancel(); <-m.done }

func rebalance(ctx context.Context, stem string, balancer kgo.GroupBalancer) error {
	topic, err := createTopic(ctx, "rebalance-"+stem, groupPartitions, nil)
	if err != nil {
		return err
	}
	group, all := name("rebalance-"+stem), &seen{values: map[string]bool{}, byName: map[string]int{}}
	producer, err := client()
	if err != nil {
		return err
	}
	defer producer.Close()
	produced := 0
	flowUntil := func(what string, done func() bool) error {
		for !done() {
			if ctx.Err() != nil {
				return fmt.Errorf("expected %s, and it did not happen in time: %v", what, all.byName)
			}
			if err := send(ctx, producer, topic, numbered(10, fmt.Sprintf("value %d ", produced))); err != nil {
				return err
			}
			produced += 10
		}
		return nil
	}
	members := map[string]*member{}
	for _, as := range []string{"first", "second", "third"} {
		if members[as], err = join(ctx, group, topic, as, balancer, all); err != nil {
			return err
		}
		if err := flowUntil("the "+as+" member to read", func() bool { return all.count(as) > 100 }); err != nil {
			return err
		}
	}
	members["first"].leave()
	second, third := all.count("second"), all.count("third")
	if err := flowUntil("the others to go on", func() bool { return all.count("second") > second+100 && all.count("third") > third+100 }); err != nil {
		return err
	}
	for all.distinct() < produced {
		if ctx.Err() != nil {
			return fmt.Errorf("expected %d records read, got %d", produced, all.distinct())
		}
		time.Sleep(time.Millisecond)
	}
	members["second"].leave()
	members["third"].leave()
	return expectCommitted(ctx, group, topic, int64(produced))
}

func expectCommitted(ctx context.Context, group, topic string, expected int64) error {
	return withAdmin(ctx, func(admin *kadm.Client) error {
		offsets, err := admin.FetchOffsets(ctx, group)
		if err != nil {
			return err
		}
		total := int64(0)
		offsets.Each(func(offset kadm.OffsetResponse) { total += offset.At })
		if total != expected {
			return fmt.Errorf("expected committed offsets of %d, got %d", expected, total)
		}
		lags, err := admin.Lag(ctx, group)
		if err != nil || lags[group].Lag.Total() != 0 {
			return fmt.Errorf("expected no lag, got %v (%v)", lags[group].Lag, err)
		}
		return nil
	})
}
