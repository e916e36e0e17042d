/**
 * Forward passes as data: a small set of operations, the values they produce, and the builder that
 * checks every shape while a model describes itself.
 */
@NullMarked
package io.github.vlm4j.core.graph;

import org.jspecify.annotations.NullMarked;
