/**
 * Where the parameters of a model come from, and the tree of names by which layers ask for them.
 */
@NullMarked
package io.github.vlm4j.core.weights;

import org.jspecify.annotations.NullMarked;
