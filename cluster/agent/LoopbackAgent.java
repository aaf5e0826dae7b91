import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.security.ProtectionDomain;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/**
 * Binds to 127.0.0.1 every socket of this JVM that asks for all addresses.
 *
 * <p>The shuffle handler of the NodeManager and the servers of the MapReduce application master listen on
 * 0.0.0.0 and have no setting for it. All Java sockets pass through one method, {@code Net.bind(family, fd,
 * address, port)}; this agent puts before its first instruction:
 *
 * <pre>if (address.isAnyLocalAddress()) address = InetAddress.getLoopbackAddress();</pre>
 */
public final class LoopbackAgent implements ClassFileTransformer {
  private static final String NET = "sun/nio/ch/Net";
  private static final String INET_ADDRESS = "java/net/InetAddress";
  private static final String BIND =
      "(Ljava/net/ProtocolFamily;Ljava/io/FileDescriptor;Ljava/net/InetAddress;I)V";
  private static final int ADDRESS = 2;

  private boolean found;

  public static void premain(String options, Instrumentation instrumentation) throws Exception {
    LoopbackAgent agent = new LoopbackAgent();
    instrumentation.addTransformer(agent, true);
    instrumentation.retransformClasses(Class.forName(NET.replace('/', '.')));
    if (!agent.found) {
      throw new IllegalStateException("this Java has no " + NET + ".bind" + BIND + ": use Java 17");
    }
  }

  @Override
  public byte[] transform(
      ClassLoader loader, String name, Class<?> type, ProtectionDomain domain, byte[] code) {
    if (!NET.equals(name)) {
      return null;
    }
    ClassReader reader = new ClassReader(code);
    ClassWriter writer = new ClassWriter(reader, ClassWriter.COMPUTE_MAXS);
    reader.accept(classVisitor(writer), 0);
    return writer.toByteArray();
  }

  private ClassVisitor classVisitor(ClassWriter writer) {
    return new ClassVisitor(Opcodes.ASM9, writer) {
      @Override
      public MethodVisitor visitMethod(
          int access, String name, String descriptor, String signature, String[] exceptions) {
        MethodVisitor method = super.visitMethod(access, name, descriptor, signature, exceptions);
        boolean bind = name.equals("bind") && descriptor.equals(BIND);
        found |= bind;
        return bind ? bindVisitor(method) : method;
      }
    };
  }

  private static MethodVisitor bindVisitor(MethodVisitor method) {
    return new MethodVisitor(Opcodes.ASM9, method) {
      @Override
      public void visitCode() {
        super.visitCode();
        Label asked = new Label();
        visitVarInsn(Opcodes.ALOAD, ADDRESS);
        visitMethodInsn(Opcodes.INVOKEVIRTUAL, INET_ADDRESS, "isAnyLocalAddress", "()Z", false);
        visitJumpInsn(Opcodes.IFEQ, asked);
        visitMethodInsn(
            Opcodes.INVOKESTATIC, INET_ADDRESS, "getLoopbackAddress", "()Ljava/net/InetAddress;", false);
        visitVarInsn(Opcodes.ASTORE, ADDRESS);
        visitLabel(asked);
        visitFrame(Opcodes.F_SAME, 0, null, 0, null);
      }
    };
  }
}
