/** Tests of the index. */
@org.jspecify.annotations.NullMarked
package io.github.vlm4j.search;
