package graph

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// This test measures memory, so it runs beside no other.
func TestWhatIsKeptOfQueriesIsBounded(t *testing.T) {
	q := newQueries()
	add := func(text string, parsed *ast.QueryDocument) {
		q.Add(t.Context(), text, parsed)
		q.Add(t.Context(), text, parsed) // two at once
	}
	parse := func(text string) *ast.QueryDocument {
		doc, err := parser.ParseQuery(&ast.Source{Input: text})
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	before := heap()

	blanks := strings.Repeat(" ", 100<<10)
	for i := range 10_000 {
		add(fmt.Sprintf("{ a%d }%s", i, blanks), &ast.QueryDocument{})
	}
	if n := q.kept.Len(); n != 0 {
		t.Errorf("%d texts of 100 KiB are kept", n)
	}

	const often = "{ often }"
	add(often, parse(often))
	fields := strings.Repeat("id ", 1900) // as many as the parser takes
	text := func(i int) string { return fmt.Sprintf("{ a%d %s }", i, fields) }
	for i := range 1000 {
		add(text(i), parse(text(i)))
		if _, ok := q.Get(t.Context(), often); !ok {
			t.Fatal("what is used is not kept")
		}
	}
	if _, ok := q.Get(t.Context(), text(999)); !ok {
		t.Error("the latest is not kept")
	}
	if _, ok := q.Get(t.Context(), text(0)); ok {
		t.Error("the oldest is kept")
	}
	sum := 0
	for _, text := range q.kept.Keys() {
		sum += len(text)
	}
	if after := heap(); after > before+64<<20 || sum > keptQueries || sum != q.bytes || q.kept.Len() < 80 {
		t.Errorf("%d MiB, %d before, for %d texts of %d KiB in all, counted as %d", after>>20, before>>20, q.kept.Len(), sum>>10, q.bytes>>10)
	}
	runtime.KeepAlive(q)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
