import java.io.IOException;
import java.lang.classfile.ClassElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * Writes the classes of a jar again that are stored as before Java 6: the same code, with the stack
 * maps that the JVM has verified code by since. An archive of classes takes none that are older, so
 * that the command would load and verify them anew each time.
 */
final class CurrentClassFiles {

  /** Java 6 has stack maps, as an option still. */
  private static final int OLDEST_ARCHIVED = ClassFile.JAVA_6_VERSION;

  private static final int WRITTEN = ClassFile.JAVA_8_VERSION;

  private CurrentClassFiles() {}

  /** Replaces the jar that is the only argument. */
  public static void main(String[] args) throws IOException {
    Path jar = Path.of(args[0]);
    Path written = Path.of(args[0] + ".part");
    try (URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()});
        ZipInputStream in = new ZipInputStream(Files.newInputStream(jar));
        ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(written))) {
      ClassFile files =
          ClassFile.of(
              ClassFile.ClassHierarchyResolverOption.of(
                  ClassHierarchyResolver.ofResourceParsing(loader)));
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        byte[] bytes = in.readAllBytes();
        ZipEntry copy = new ZipEntry(entry.getName());
        copy.setTime(entry.getTime());
        out.putNextEntry(copy);
        out.write(entry.getName().endsWith(".class") ? current(files, bytes) : bytes);
        out.closeEntry();
      }
    }
    Files.move(written, jar, StandardCopyOption.REPLACE_EXISTING);
  }

  private static byte[] current(ClassFile files, byte[] bytes) {
    ClassModel old = files.parse(bytes);
    if (old.majorVersion() >= OLDEST_ARCHIVED) {
      return bytes;
    }
    return files.build(
        old.thisClass().asSymbol(),
        built -> {
          built.withVersion(WRITTEN, 0);
          for (ClassElement element : old) {
            if (element instanceof MethodModel method) {
              built.transformMethod(
                  method, MethodTransform.transformingCode(CodeTransform.ACCEPT_ALL));
            } else if (!(element instanceof ClassFileVersion)) {
              built.with(element);
            }
          }
        });
  }
}
