import modelmapreducejob.StreamingJob;

/** Prints the words of a streaming job as its client is given them, one a line. */
public final class ShowJavaOptions {
  public static void main(String[] words) {
    for (String word : StreamingJob.withJavaOptions(words)) {
      System.out.println(word);
    }
  }
}
