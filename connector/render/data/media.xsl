<?xml version="1.0" encoding="UTF-8"?>
<!-- Images and attached files, as connector/render/html settled what can be shown (r:kind) and where (r:media). -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:v3="urn:hl7-org:v3"
                xmlns:r="urn:dmp-connector:render" exclude-result-prefixes="v3 r">

  <xsl:template match="v3:renderMultiMedia" mode="said">
    <div>
      <xsl:call-template name="marks"/>
      <xsl:apply-templates select="v3:caption" mode="said"/>
      <xsl:apply-templates select="r:media" mode="media"/>
      <xsl:apply-templates select="node()[not(self::v3:caption or self::r:media)]" mode="stray"/>
    </div>
  </xsl:template>

  <!-- what no narrative places is shown at the end of its section -->
  <xsl:template match="v3:entry" mode="unplaced">
    <xsl:apply-templates select="descendant::v3:observationMedia/v3:value[@r:kind]" mode="media"/>
  </xsl:template>

  <xsl:template match="v3:nonXMLBody">
    <section>
      <h2>Contenu</h2>
      <xsl:apply-templates select="v3:text" mode="media"/>
    </section>
  </xsl:template>

  <xsl:template match="*" mode="media">
    <xsl:choose>
      <xsl:when test="@r:kind = 'image'">
        <p class="figure"><img src="{@r:src}" alt="{@r:name}"/></p>
      </xsl:when>
      <xsl:when test="@r:kind = 'text'">
        <pre><xsl:value-of select="@r:text"/></pre>
        <xsl:if test="@r:file"><xsl:call-template name="file"/></xsl:if>
      </xsl:when>
      <xsl:when test="@r:kind = 'file'"><xsl:call-template name="file"/></xsl:when>
      <xsl:otherwise><p class="notice"><xsl:value-of select="@r:name"/></p></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="file">
    <p class="notice">
      <xsl:text>Fichier joint : </xsl:text>
      <xsl:choose>
        <xsl:when test="$link != ''"><a href="{$link}{@r:file}"><xsl:value-of select="@r:name"/></a></xsl:when>
        <xsl:otherwise><xsl:value-of select="@r:name"/></xsl:otherwise>
      </xsl:choose>
    </p>
  </xsl:template>
</xsl:stylesheet>
