package graph

import (
	"context"
	"fmt"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/maskline/maskline/phone"
)

// front reads the documents that clients send. That costs CPU time before anything is executed, so it takes a place at work and is paid from
// the user's budget, and what a document may hold is bounded before it is validated.
type front struct {
	r      *Resolver
	schema *ast.Schema
	kept   *queries
	gate   gate
	limits limits
}

// before puts the front before a transport.
func (f *front) before(t graphql.Transport) graphql.Transport { return behind{t, f} }

type behind struct {
	graphql.Transport
	front *front
}

// Do serves one request.
func (b behind) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	b.Transport.Do(w, r, executor{exec, b.front})
}

type executor struct {
	graphql.GraphExecutor
	front *front
}

// CreateOperationContext reads an operation.
func (e executor) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	refused := &graphql.OperationContext{RawQuery: params.Query, OperationName: params.OperationName, RecoverFunc: e.front.recovered}
	doc, errs := e.front.document(ctx, params)
	if len(errs) > 0 {
		return refused, errs
	}
	o := doc.doc.Operations.ForName(params.OperationName)
	if o == nil {
		return refused, listOf(noOperation(params.OperationName))
	}
	if errs := coerce(e.front.schema, o, params.Variables); len(errs) > 0 {
		return refused, errs
	}
	doc.doc = withoutAbsent(doc.doc, o, params.Variables)
	return e.GraphExecutor.CreateOperationContext(context.WithValue(ctx, readKey{}, doc), params)
}

func noOperation(name string) error {
	if name == "" {
		return phone.Bad("operationName", "The query has several operations: name one of them in operationName.")
	}
	return phone.Bad("operationName", fmt.Sprintf("The query has no operation %q.", name))
}

func (f *front) recovered(_ context.Context, p any) error { return f.r.panicked(p) }

// read is a document that was read, and what that cost.
type read struct {
	doc  *ast.QueryDocument
	cost int // objects of the user's budget
}

type readKey struct{}

func readIn(ctx context.Context) read {
	r, _ := ctx.Value(readKey{}).(read)
	return r
}

// handed gives gqlgen the document that the front has read.
type handed struct{}

// Get is for gqlgen.
func (handed) Get(ctx context.Context, _ string) (*ast.QueryDocument, bool) {
	doc := readIn(ctx).doc
	return doc, doc != nil
}

// Add is for gqlgen.
func (handed) Add(context.Context, string, *ast.QueryDocument) {}

// bytesAnObject is how much of a text is read for the price of an object.
const bytesAnObject = 16

// document returns the document of an operation. One that is known to be valid takes no place, so that a busy service refuses no subscription
// of clients that come back after a restart; any other is read in a place at work.
func (f *front) document(ctx context.Context, params *graphql.RawParams) (read, gqlerror.List) {
	if doc, ok := f.kept.Get(ctx, params.Query); ok {
		return read{doc, 1}, listOf(f.limits.spend(ctx, params.OperationName, 1))
	}
	leave, err := f.gate.enter(ctx, identity(ctx).Viewer.ID)
	if err != nil {
		return read{}, listOf(err)
	}
	defer leave()
	return f.read(ctx, params)
}

// read parses and validates a document. What that costs is paid before the work is done: something for the length of the text, then one object
// for each selection.
func (f *front) read(ctx context.Context, params *graphql.RawParams) (read, gqlerror.List) {
	cost := 1 + len(params.Query)/bytesAnObject
	if err := f.limits.spend(ctx, params.OperationName, cost); err != nil {
		return read{}, listOf(err)
	}
	doc, errs := parse(params.Query)
	if len(errs) > 0 {
		return read{}, errs
	}
	if err := f.limits.enforce(ctx, params.OperationName, doc.repeats()); err != nil {
		return read{}, listOf(err)
	}
	if err := f.limits.spend(ctx, params.OperationName, doc.size); err != nil {
		return read{}, listOf(err)
	}
	if errs := validate(f.schema, doc); len(errs) > 0 {
		return read{}, errs
	}
	f.kept.Add(ctx, params.Query, doc.QueryDocument)
	return read{doc.QueryDocument, cost + doc.size}, nil
}

func listOf(err error) gqlerror.List {
	if err == nil {
		return nil
	}
	return gqlerror.List{gqlerror.WrapIfUnwrapped(err)}
}

// parse refuses a document that would be too large to validate.
func parse(text string) (document, gqlerror.List) {
	parsed, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, maxTokens)
	if err != nil {
		return document{}, coded(listOf(err), errcode.ParseFailed)
	}
	if len(parsed.Operations) == 0 {
		return document{}, listOf(phone.Bad("", "The query has no operation."))
	}
	doc := newDocument(parsed)
	return doc, listOf(doc.measure())
}

func validate(schema *ast.Schema, doc document) gqlerror.List {
	return coded(validator.ValidateWithRules(schema, doc.QueryDocument, validationRules()), errcode.ValidationFailed)
}

func coded(errs gqlerror.List, code string) gqlerror.List {
	for _, e := range errs {
		errcode.Set(e, code)
	}
	return errs
}

// validationRules are GraphQL's, in forms whose cost grows with the length of a document only. Suggestions compare each unknown name, however
// long, with many of the schema.
func validationRules() *rules.Rules {
	all := rules.NewDefaultRules()
	all.ReplaceRule(rules.OverlappingFieldsCanBeMergedRule.Name, mergeable.RuleFunc)
	all.ReplaceRule(rules.FieldsOnCorrectTypeRule.Name, rules.FieldsOnCorrectTypeRuleWithoutSuggestions.RuleFunc)
	all.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	all.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	all.ReplaceRule(rules.ScalarLeafsRule.Name, rules.ScalarLeafsRuleWithoutSuggestions.RuleFunc)
	all.RemoveRule(rules.ValuesOfCorrectTypeRule.Name) // coerce does that
	return all
}
