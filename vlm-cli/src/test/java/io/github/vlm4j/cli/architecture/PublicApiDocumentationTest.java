package io.github.vlm4j.cli.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ExportsTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import javax.lang.model.element.Modifier;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

/**
 * Whatever another module can see has a Javadoc comment. The compiler's own check would also ask
 * for a tag for every parameter, which is more than a reader needs.
 */
class PublicApiDocumentationTest {

  @Test
  void everythingExportedHasAComment() throws IOException {
    List<String> bare = new ArrayList<>();
    int units = 0;
    for (Path module : modules()) {
      List<Path> sources = sources(module);
      JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
      try (var files = compiler.getStandardFileManager(null, Locale.ROOT, null)) {
        var task =
            (JavacTask)
                compiler.getTask(
                    null, files, null, null, null, files.getJavaFileObjectsFromPaths(sources));
        DocTrees docs = DocTrees.instance(task);
        List<CompilationUnitTree> parsed = new ArrayList<>();
        task.parse().forEach(parsed::add);
        units += parsed.size();
        Set<String> exported = exportedPackages(parsed);
        for (CompilationUnitTree unit : parsed) {
          if (unit.getPackage() != null
              && exported.contains(unit.getPackage().getPackageName().toString())) {
            for (Tree declared : unit.getTypeDecls()) {
              if (declared instanceof ClassTree type) {
                inspect(type, new TreePath(new TreePath(unit), type), false, docs, bare);
              }
            }
          }
        }
      }
    }
    assertThat(units).isPositive();
    assertThat(bare).as("public, exported and without a Javadoc comment").isEmpty();
  }

  private static void inspect(
      ClassTree type, TreePath path, boolean implicitlyPublic, DocTrees docs, List<String> bare) {
    if (!implicitlyPublic && !isVisible(type.getModifiers())) {
      return;
    }
    report(path, type.getSimpleName().toString(), docs, bare);
    boolean inInterface =
        type.getKind() == Tree.Kind.INTERFACE || type.getKind() == Tree.Kind.ANNOTATION_TYPE;
    for (Tree member : type.getMembers()) {
      TreePath memberPath = new TreePath(path, member);
      switch (member) {
        case ClassTree nested -> inspect(nested, memberPath, inInterface, docs, bare);
        case MethodTree method when isDocumentable(method, inInterface, path, docs) ->
            report(memberPath, type.getSimpleName() + "." + method.getName(), docs, bare);
        case VariableTree field when inInterface || isVisible(field.getModifiers()) ->
            report(memberPath, type.getSimpleName() + "." + field.getName(), docs, bare);
        default -> {}
      }
    }
  }

  private static boolean isDocumentable(
      MethodTree method, boolean inInterface, TreePath type, DocTrees docs) {
    boolean visible =
        isVisible(method.getModifiers())
            || (inInterface && !method.getModifiers().getFlags().contains(Modifier.PRIVATE));
    boolean overrides =
        method.getModifiers().getAnnotations().stream()
            .anyMatch(annotation -> annotation.getAnnotationType().toString().equals("Override"));
    boolean written =
        docs.getSourcePositions().getEndPosition(type.getCompilationUnit(), method) >= 0;
    boolean compactConstructor =
        type.getLeaf().getKind() == Tree.Kind.RECORD && method.getReturnType() == null;
    return visible && !overrides && written && !compactConstructor;
  }

  private static boolean isVisible(ModifiersTree modifiers) {
    return modifiers.getFlags().contains(Modifier.PUBLIC)
        || modifiers.getFlags().contains(Modifier.PROTECTED);
  }

  private static void report(TreePath path, String name, DocTrees docs, List<String> bare) {
    String comment = docs.getDocComment(path);
    if (comment == null || comment.isBlank()) {
      var unit = path.getCompilationUnit();
      long line =
          unit.getLineMap()
              .getLineNumber(docs.getSourcePositions().getStartPosition(unit, path.getLeaf()));
      bare.add(unit.getPackage().getPackageName() + ", line " + line + ": " + name);
    }
  }

  private static Set<String> exportedPackages(List<CompilationUnitTree> units) {
    Set<String> names = new HashSet<>();
    for (CompilationUnitTree unit : units) {
      if (unit.getModule() != null) {
        for (Tree directive : unit.getModule().getDirectives()) {
          if (directive instanceof ExportsTree exports && exports.getModuleNames() == null) {
            names.add(exports.getPackageName().toString());
          }
        }
      }
    }
    return names;
  }

  private static List<Path> modules() throws IOException {
    try (Stream<Path> folders = Files.list(Path.of("..").toRealPath())) {
      return folders
          .filter(folder -> Files.exists(folder.resolve("src/main/java/module-info.java")))
          .sorted()
          .toList();
    }
  }

  private static List<Path> sources(Path module) throws IOException {
    try (Stream<Path> files = Files.walk(module.resolve("src/main/java"))) {
      return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
    }
  }
}
