// The suite of franz-go, the Go client, against a broker. The last line is the count.
package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type test struct {
	name string
	run  func(context.Context) error
}

func bootstrap() string { return os.Getenv("BOOTSTRAP") }

// name is unique to this run: topics, groups and transactional ids.
func name(stem string) string { return "go-" + stem + "-" + os.Getenv("RUN_ID") }

func client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(bootstrap()), kgo.FetchMaxWait(100 * time.Millisecond)}, options...)...)
}

func withAdmin(ctx context.Context, use func(*kadm.Client) error) error {
	c, err := client()
	if err != nil {
		return err
	}
	defer c.Close()
	return use(kadm.NewClient(c))
}

func createTopic(ctx context.Context, stem string, partitions int32, configs map[string]*string) (string, error) {
	topic := name(stem)
	return topic, withAdmin(ctx, func(admin *kadm.Client) error {
		_, err := admin.CreateTopic(ctx, partitions, 1, configs, topic)
		return err
	})
}

func numbered(count int, stem string) []string {
	texts := make([]string, count)
	for i := range texts {
		texts[i] = fmt.Sprintf("%s%d", stem, i)
	}
	return texts
}

func send(ctx context.Context, c *kgo.Client, topic string, texts []string) error {
	records := make([]*kgo.Record, len(texts))
	for i, text := range texts {
		records[i] = &kgo.Record{Topic: topic, Key: []byte(text), Value: []byte(text)}
	}
	return c.ProduceSync(ctx, records...).FirstErr()
}

func produce(ctx context.Context, topic string, texts []string, options ...kgo.Opt) error {
	c, err := client(options...)
	if err != nil {
		return err
	}
	defer c.Close()
	return send(ctx, c, topic, texts)
}

// readAll returns every record up to the end that the broker names now.
func readAll(ctx context.Context, topic string, options ...kgo.Opt) ([]*kgo.Record, error) {
	all := append([]kgo.Opt{kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords()}, options...)
	c, err := client(all...)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ends, err := kadm.NewClient(c).ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	left := map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			left[end.Partition] = end.Offset
		}
	})
	var records []*kgo.Record
	for len(left) > 0 {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, fmt.Errorf("read %s up to %v: %w", topic, left, err)
		}
		for _, failed := range fetches.Errors() {
			return nil, failed.Err
		}
		fetches.EachRecord(func(record *kgo.Record) {
			if !record.Attrs.IsControl() {
				records = append(records, record)
			}
			if record.Offset+1 >= left[record.Partition] {
				delete(left, record.Partition)
			}
		})
	}
	return records, nil
}

func run(one test) error {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	return one.run(ctx)
}

func main() {
	only := regexp.MustCompile(os.Getenv("ONLY"))
	passed, failed := 0, 0
	for _, group := range [][]test{recordTests(), adminTests(), groupTests(), transactionTests()} {
		for _, one := range group {
			if !only.MatchString(one.name) {
				continue
			}
			start := time.Now()
			if err := run(one); err != nil {
				fmt.Printf("FAILED %s: %v\n", one.name, err)
				failed++
			} else {
				fmt.Printf("ok %s (%d ms)\n", one.name, time.Since(start).Milliseconds())
				passed++
			}
		}
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
