package graph_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	walkSteps  = 6  // from object to object, a list being one step
	walkLevels = 14 // of selections within selections: deeper is too complex
)

// walk makes queries at random of what the schema has.
type walk struct {
	*rand.Rand
	fields  map[string][]pathway // of a type
	orders  map[string][]string  // of a type's lists
	ids     []string             // one's own, others' and nobody's
	cursors map[string][]string  // by list and order
	n       int                  // of the next alias
	lists   int                  // that the present one is in
	deepest int
}

// pathway is a field that can be selected.
type pathway struct {
	name, to string
	isObject bool
	args     []string
}

func newWalk(s introspected, seed uint64) *walk {
	k := &walk{Rand: rand.New(rand.NewPCG(seed, 0)), fields: map[string][]pathway{}, orders: map[string][]string{}}
	kinds := map[string]string{}
	for _, def := range s.Types {
		kinds[def.Name] = def.Kind
		if of, isOrder := strings.CutSuffix(def.Name, "OrderField"); isOrder {
			k.orders[of] = namesIn(s, def.Name)
		}
	}
	for _, def := range s.Types {
		for _, f := range def.Fields {
			p := pathway{name: f.Name, to: f.Type.named(), isObject: kinds[f.Type.named()] == "OBJECT" || kinds[f.Type.named()] == "INTERFACE"}
			for _, a := range f.Args {
				p.args = append(p.args, a.Name)
			}
			k.fields[def.Name] = append(k.fields[def.Name], p)
		}
	}
	return k
}

func one[T any](k *walk, of []T) T { return of[k.IntN(len(of))] }

func (k *walk) often() bool { return k.IntN(5) < 2 }

func (k *walk) query() string {
	k.n, k.lists = 0, 0
	return "{ __typename " + k.some("Query", 0, 1) + "}"
}

// some selects a few fields of a type.
func (k *walk) some(kind string, steps, level int) string {
	k.deepest = max(k.deepest, steps)
	var b strings.Builder
	for range 1 + k.IntN(3) {
		f := one(k, k.fields[kind])
		switch {
		case kind == "Query" && steps == 0 && k.n > 8:
		case !f.isObject:
			b.WriteString(f.name + " ")
		case steps < walkSteps && level+4 <= walkLevels && k.n < 25:
			k.n++
			fmt.Fprintf(&b, "a%d: %s", k.n, f.name+k.given(f))
			b.WriteString(" { __typename " + k.below(f.to, steps+1, level+1) + "} ")
		}
	}
	return b.String()
}

// below selects of what a field leads to; of a list always what is in it.
func (k *walk) below(to string, steps, level int) string {
	if to == "Node" {
		kind := one(k, []string{"User", "MaskedNumber", "Call", "Voicemail", "Token", "Plan", "NumberSubscription", "Delivery"})
		return "id ... on " + kind + " { id " + k.some(kind, steps, level+1) + "} "
	}
	if node, isList := strings.CutSuffix(to, "Connection"); isList {
		k.lists++
		defer func() { k.lists-- }()
		return "totalCount pageInfo { startCursor endCursor hasNextPage } edges { cursor node { id " + k.some(node, steps, level+2) + "} } "
	}
	return k.some(to, steps, level)
}

// given are the arguments of a field. A list within a list has small pages, so that no query is too complex: four fit into each other.
func (k *walk) given(f pathway) string {
	node := strings.TrimSuffix(f.to, "Connection")
	var args []string
	order, end := "", one(k, []string{"first", "last"})
	if k.often() && slices.Contains(f.args, "orderBy") {
		order = one(k, k.orders[node])
	}
	for _, a := range f.args {
		switch {
		case a == "id":
			args = append(args, "id: "+strconv.Quote(one(k, k.ids)))
		case a == "ids":
			args = append(args, fmt.Sprintf("ids: [%q, %q]", one(k, k.ids), one(k, k.ids)))
		case a == end && (k.lists > 0 || k.often()):
			args = append(args, fmt.Sprintf("%s: %d", end, 1+k.IntN(3)))
		case (a == "after" || a == "before") && k.often():
			args = append(args, a+": "+strconv.Quote(k.cursor(node+order)))
		case a == "orderBy" && order != "":
			args = append(args, fmt.Sprintf("orderBy: {field: %s, direction: %s}", order, one(k, []string{"ASC", "DESC"})))
		case a == "where" && k.often():
			args = append(args, "where: "+k.where(node, 3))
		}
	}
	if len(args) == 0 {
		return ""
	}
	return "(" + strings.Join(args, ", ") + ")"
}

// cursor is one of a list in an order, and now and then of another, which refuses the whole query.
func (k *walk) cursor(of string) string {
	if len(k.cursors[of]) == 0 || k.IntN(20) == 0 {
		of = one(k, slices.Sorted(maps.Keys(k.cursors)))
	}
	return one(k, k.cursors[of])
}

// where is a condition on a type, that asks for what is another's.
func (k *walk) where(node string, deep int) string {
	switch k.IntN(5 + deep) {
	case 0:
		return fmt.Sprintf("{id: %q}", one(k, k.ids))
	case 1:
		return fmt.Sprintf("{idIn: [%q, %q]}", one(k, k.ids), one(k, k.ids))
	case 6:
		return "{not: " + k.where(node, deep-1) + "}"
	case 7:
		return "{or: [" + k.where(node, deep-1) + ", " + k.where(node, deep-1) + "]}"
	}
	return one(k, oracles[node])
}

var (
	oneCursor = regexp.MustCompile(`ursor":"([^"]*)"`)
	oneCode   = regexp.MustCompile(`"code":"([A-Z_]+)"`)
)

// opened is an answer with what its cursors hold.
func opened(body string) string {
	for _, c := range oneCursor.FindAllStringSubmatch(body, -1) {
		held, _ := base64.RawStdEncoding.DecodeString(c[1])
		body += "\n" + string(held)
	}
	return strings.ToLower(body)
}

// foreignCursors are those of all lists in all orders, as the administrator sees them.
func (w *world) foreignCursors(k *walk) map[string][]string {
	w.t.Helper()
	cursors := map[string][]string{}
	ask := func(of, q string) {
		for _, c := range oneCursor.FindAllStringSubmatch(w.try(w.admin, q, nil).Body, -1) {
			cursors[of] = append(cursors[of], c[1])
		}
	}
	for node, orders := range k.orders {
		for _, o := range append([]string{""}, orders...) {
			args := ""
			if o != "" {
				args = "(orderBy: {field: " + o + "})"
			}
			for _, f := range k.fields["Query"] {
				if f.to == node+"Connection" {
					ask(node+o, "{ "+f.name+args+" { edges { cursor } } }")
				}
			}
			if node == "NumberSubscription" {
				ask(node+o, "{ numbers { edges { node { subscriptions"+args+" { edges { cursor } } } } } }")
			}
		}
	}
	return cursors
}

func walkFor(t *testing.T) (time.Duration, uint64) {
	t.Helper()
	long, seed := 2*time.Second, uint64(time.Now().UnixNano())
	var err error
	if v := os.Getenv("WALK"); v != "" {
		long, err = time.ParseDuration(v)
		check(t, err)
	}
	if v := os.Getenv("WALK_SEED"); v != "" {
		seed, err = strconv.ParseUint(v, 10, 64)
		check(t, err)
	}
	return long, seed
}

// Nothing of another owner is in any answer, errors and cursors included, whatever is asked. That the same walk as the administrator comes
// upon it shows that it leads there.
func TestTheSchemaWalkNeverMeetsAnotherOwner(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		long, seed := walkFor(t)
		k := newWalk(w.introspect(), seed)
		a := w.tenant("ann")
		things := w.things(a)
		w.ask(a.token, deleteThem, vars{"ids": w.voicemails(a, 2)})
		foreign := w.plant()
		for _, id := range things {
			k.ids = append(k.ids, id, one(k, foreign))
		}
		k.ids = slices.Concat(k.ids, foreign, unknown)
		k.cursors = w.foreignCursors(k)
		forbidden := append(slices.Clone(foreign), strings.ToLower(canary), canaryNumber)
		asked, codes, met := 0, map[string]int{}, map[string]bool{}
		for until := time.Now().Add(long); time.Now().Before(until); asked++ {
			q := k.query()
			w.advance(time.Second) // a token may ask for so much a minute
			got := w.try(a.token, q, nil)
			for _, c := range oneCode.FindAllStringSubmatch(got.Body, -1) {
				codes[c[1]]++
			}
			text := opened(got.Body)
			for _, c := range forbidden {
				if strings.Contains(text, c) {
					t.Fatalf("seed %d, query %d: %s is seen\n%s\n%.3000s", seed, asked, c, q, got.Body)
				}
			}
			if asked%3 > 0 {
				continue
			}
			text = opened(w.try(w.admin, q, nil).Body)
			for _, c := range canaries {
				if strings.Contains(text, strings.ToLower(c)) {
					met[c] = true
				}
			}
		}
		t.Logf("WALK_SEED=%d: %d queries to depth %d in %s, errors %v, never one of %d canaries; the administrator met %d of them", seed, asked, k.deepest, long, codes, len(canaries), len(met))
		if codes["INTERNAL"]+codes["TOO_COMPLEX"]+codes["RATE_LIMITED"] > 0 {
			t.Errorf("the walk is not what it should be: %v", codes)
		}
		if len(met) < 3 {
			t.Errorf("the administrator met only %v", met)
		}
	})
}
