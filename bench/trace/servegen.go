// Traces drawn from the statistics of clients that ServeGen publishes.

package trace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/steelyard-proxy/steelyard/configs"
)

// drawnRequests is how many requests are drawn where nobody says.
const drawnRequests = 12_000

// client is one of those of https://github.com/alibaba/ServeGen, a row each: how often it comes, how unevenly, and how long its prompts and answers are.
type client struct {
	requests       float64 // in the time it was watched
	rate           float64 // per second, over that time
	cv             float64 // of the gaps between its requests
	prompt, answer quantiles
}

// The columns that are read, by their place among lengths: prompts', then answers'.
var (
	serveGenNumbers = []string{"requests", "rate_mean_per_s", "cv_weighted"}
	serveGenLengths = []string{"p10", "p50", "p90", "p99", "max"}
	lengthParts     = []float64{0.1, 0.5, 0.9, 0.99, 1}
)

// readServeGen draws so many requests of the clients of one model.
func readServeGen(text *bufio.Reader, model string, requests int, chance *rand.Rand) (t Trace, line int, err error) {
	clients, line, err := serveGenClients(text)
	if err != nil {
		return t, line, err
	}
	var models []string
	for name := range clients {
		models = append(models, name)
	}
	slices.Sort(models)
	if clients[model] == nil {
		if model == "" {
			return t, 1, fmt.Errorf("these are statistics of the clients of %s: name one model behind the path, as in FILE#%s", strings.Join(models, ", "), models[0])
		}
		return t, 1, fmt.Errorf("there is no model %q: %s", model, configs.Suggest(model, models))
	}
	if t.Requests, err = drawClients(clients[model], requests, chance); err != nil {
		return t, 1, fmt.Errorf("model %s: %w", model, err)
	}
	weigh(t.Requests)
	return t, 0, nil
}

// serveGenClients are the clients in a file, by model.
func serveGenClients(text io.Reader) (clients map[string][]client, line int, err error) {
	rows := newRows(text)
	names, err := rows.Read()
	if err != nil {
		line, err := place(err, 1)
		return nil, line, err
	}
	names, clients = slices.Clone(names), map[string][]client{}
	line, err = eachRow(rows, func(cells []string) error {
		if len(cells) != len(names) {
			return fmt.Errorf("there are %d cells for %d columns: give each line one cell for each column", len(cells), len(names))
		}
		row := map[string]string{}
		for i, name := range names {
			row[name] = cells[i]
		}
		c, err := serveGenClient(row)
		clients[row["model"]] = append(clients[row["model"]], c)
		return err
	})
	if err != nil {
		return nil, line, err
	}
	if len(clients) == 0 {
		return nil, 2, errors.New("there are no clients: give one line for each, below the names")
	}
	return clients, 0, nil
}

func serveGenClient(row map[string]string) (c client, err error) {
	for i, into := range []*float64{&c.requests, &c.rate, &c.cv} {
		if *into, err = number(row, serveGenNumbers[i]); err != nil {
			return c, err
		}
	}
	if row["input_p50"] == "" || row["output_p50"] == "" {
		return c, nil // nobody knows its lengths
	}
	if c.prompt, err = serveGenQuantiles(row, "input_"); err != nil {
		return c, err
	}
	c.answer, err = serveGenQuantiles(row, "output_")
	return c, err
}

func serveGenQuantiles(row map[string]string, of string) (q quantiles, err error) {
	last := 1.0
	q = append(q, point{0, 1})
	for i, name := range serveGenLengths {
		length, err := number(row, of+name)
		if err != nil {
			return nil, err
		}
		last = min(max(last, length), mostTokens)
		q = append(q, point{lengthParts[i], last})
	}
	return q, nil
}

func number(row map[string]string, column string) (float64, error) {
	n, err := strconv.ParseFloat(row[column], 64)
	if err != nil || !(n >= 0) || math.IsInf(n, 1) {
		return 0, fmt.Errorf("%s: %q is no number of 0 or more", column, row[column])
	}
	return n, nil
}

// drawClients makes requests of clients that come independently of each other, each with gaps of its own mean and
// spread. Who has no lengths has those of another, drawn by its requests for each request.
func drawClients(clients []client, requests int, chance *rand.Rand) ([]Request, error) {
	if requests == 0 {
		requests = drawnRequests
	}
	rate, known, heaps := 0.0, []client(nil), []float64(nil)
	sum := 0.0
	for _, c := range clients {
		rate += c.rate
		if c.prompt != nil {
			sum += c.requests
			known, heaps = append(known, c), append(heaps, sum)
		}
	}
	if rate == 0 || sum == 0 {
		return nil, errors.New("no client sends anything, or nobody's lengths are known: give rate_mean_per_s, requests and lengths")
	}
	// All clients' arrivals of a time that is long enough on the average; longer where they happened to rest.
	for span := 1.1 * float64(requests) / rate; ; span *= 2 {
		var list []Request
		for i, c := range clients {
			if c.rate == 0 {
				continue
			}
			for _, at := range renewals(1/c.rate, c.cv, span, chance) {
				from := c
				if from.prompt == nil {
					k, _ := slices.BinarySearch(heaps, chance.Float64()*sum)
					from = known[min(k, len(known)-1)]
				}
				list = append(list, Request{At: seconds(at), Session: i + 1,
					PromptTokens: from.prompt.draw(chance.Float64()), AnswerTokens: from.answer.draw(chance.Float64())})
			}
		}
		if len(list) < requests {
			continue
		}
		slices.SortStableFunc(list, func(a, b Request) int { return int(min(max(a.At-b.At, -1), 1)) })
		return list[:requests], nil
	}
}
