package graph

//go:generate go tool gqlgen generate

// Resolver answers GraphQL.
type Resolver struct{}
