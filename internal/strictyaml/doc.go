// Package strictyaml reads one YAML file strictly: what a person wrote by mistake
// is an error that names file, line and column, says what is wrong and what to
// write instead, and all mistakes are told at once.
//
// Start at [Parse]: it checks the form (one document, at most 1 MiB, no key twice,
// no anchors or tags). [Document.Decode] fills a struct: an unknown key is an
// error with a suggestion, a duration needs its unit. The caller then checks
// meanings and reports them with [Document.Errorf], which knows where in the file
// a value stands. [Document.Err] gives everything found, in the file's order.
package strictyaml
